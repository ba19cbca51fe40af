"""The modalities of a study: what turns the simulations into embeddings per time.

Video models and pixels see the same pictures. Encoders of this package see the field itself, in windows that follow
one another in time; each window is one temporal token.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..clip import Clip
from ..data.config import DataConfig
from ..errors import PhysrepError
from ..learners import FieldStatistics, Learner
from ..learners.build_encoder import check_encoding
from ..tokens.embed import encoder_hash
from .config import EncoderConfig, StudyConfig
from .data import CHANNEL, StudyData, prepare, write_training_data
from .pixels import frame_vectors, pixel_tokens
from .render import ColourScale, fixed_range, render
from .store import EmbeddingStore, write_store

TUBELET = 2
"""Frames per temporal token of V-JEPA 2; pixels are averaged over as many, so that all see the same moments."""


class Modality(ABC):
    """A frozen way to embed simulations.

    Attributes:
        sees_pictures: whether it reads rendered video (else the field).
        kind: as in `EncoderConfig`.
        note: a few words on what it is, for tables.
    """

    sees_pictures: bool = True
    kind: str = ""
    note: str = ""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Plain data that determine the embeddings, beside what is shown."""

    @abstractmethod
    def times(self, frames: int) -> np.ndarray:
        """Middle of each temporal token, in frames."""

    @abstractmethod
    def embed(self, shown: Tensor, data: StudyData) -> tuple[Tensor, Tensor | None]:
        """Frame embeddings ``(B, t, D)`` and spatial tokens ``(B, t, h, w, D)`` (or None).

        Args:
            shown: video ``(B, T, 3, H, W)`` in [0, 1], or fields ``(B, T, n, n)``.
            data: the study's simulations, for names and grid.
        """


class Pixels(Modality):
    """See `pixels`; the mean over the frames of a tubelet."""

    kind = "pixels"

    def __init__(self, name: str) -> None:
        self.name = name
        self.note = {"rgb16": "16 x 16 colours", "gray16": "16 x 16 gray", "rgb32": "32 x 32 colours"}.get(
            name, "middle 16 x 16 pixels"
        )

    def identity(self) -> dict[str, Any]:
        return {"pixels": self.name, "tubelet": TUBELET}

    def times(self, frames: int) -> np.ndarray:
        return np.arange(frames // TUBELET) * TUBELET + (TUBELET - 1) / 2

    def embed(self, shown: Tensor, data: StudyData) -> tuple[Tensor, Tensor | None]:
        tokens = pixel_tokens(shown, self.name)
        steps = tokens.shape[1] // TUBELET
        tokens = tokens[:, : steps * TUBELET].unflatten(1, (steps, TUBELET)).mean(2)
        return frame_vectors(tokens), tokens


class Video(Modality):
    """A frozen video transformer."""

    def __init__(self, model: torch.nn.Module, kind: str, note: str, device: str) -> None:
        self.model, self.kind, self.note, self.device = model.eval().to(device), kind, note, device
        self._hash = encoder_hash(model)

    def identity(self) -> dict[str, Any]:
        return {"video_model": self._hash}

    def times(self, frames: int) -> np.ndarray:
        return np.arange(frames // TUBELET) * TUBELET + (TUBELET - 1) / 2

    @torch.inference_mode()
    def embed(self, shown: Tensor, data: StudyData) -> tuple[Tensor, Tensor | None]:
        tokens = self.model(shown.to(self.device)).float().cpu()
        if tokens.dim() != 5:
            raise PhysrepError(f"the video model gave tokens {tuple(tokens.shape)}, not (B, t, h, w, D).")
        return tokens.mean((2, 3)), tokens


class Windows(Modality):
    """A learner of this package, window after window.

    Args:
        learner: frozen; it must read one scalar channel, whatever its name: it is given the study's field.
        stride: frames between the starts of windows.
        kind, note: see `Modality`.
        device: where it runs.
    """

    sees_pictures = False

    def __init__(self, learner: Learner, stride: int, kind: str, note: str, device: str) -> None:
        if len(learner.channels) != 1:
            raise PhysrepError(
                f"it reads the channels {', '.join(learner.channels) or 'unknown'}, but a study shows one scalar field."
            )
        self.learner, self.stride, self.kind, self.note = learner.eval().to(device), stride, kind, note
        self.device, self._hash = device, encoder_hash(learner)

    def identity(self) -> dict[str, Any]:
        return {"learner": self._hash, "stride": self.stride}

    def _starts(self, frames: int) -> np.ndarray:
        if self.learner.num_frames > frames:
            raise PhysrepError(f"it reads windows of {self.learner.num_frames} frames, the study has {frames}.")
        return np.arange(0, frames - self.learner.num_frames + 1, self.stride)

    def times(self, frames: int) -> np.ndarray:
        return self._starts(frames) + (self.learner.num_frames - 1) / 2

    @torch.inference_mode()
    def embed(self, shown: Tensor, data: StudyData) -> tuple[Tensor, Tensor | None]:
        length, n = self.learner.num_frames, shown.shape[-1]
        starts = self._starts(shown.shape[1])
        batch = len(shown)
        periodic = all(all(own["periodic"]) for own in data.sets.values())
        encoder = getattr(self.learner, "encoder", None)
        means, grids = [], []
        for start in starts.tolist():
            clip = Clip(
                fields=shown[:, None, start : start + length].contiguous(),
                parameters=torch.zeros(batch, 0),
                channels=self.learner.channels,
                parameter_names=(),
                dt=1.0,
                dx=(1 / n, 1 / n),
                periodic=(periodic, periodic),
                trajectory=torch.arange(batch),
                start=torch.full((batch,), start),
            ).to(self.device)
            tokens = check_encoding(self.learner.encode(clip), self.learner, batch).float().cpu()
            means.append(tokens.mean(1))
            grid = getattr(encoder, "grid", None)
            if grid is not None:
                shape = tuple(grid(length, n, n))
                if np.prod(shape) == tokens.shape[1]:
                    grids.append(tokens.unflatten(1, shape).mean(1))
        return torch.stack(means, 1), torch.stack(grids, 1) if len(grids) == len(means) else None


def colour_scales(config: StudyConfig, data: StudyData, colour_map: str | None = None) -> dict[str, ColourScale]:
    """The fixed colour scale of every set; matched sets share one, so that colour does not tell a pair apart."""
    name = colour_map or config.render.colour_map
    scales = {}
    for own in config.sets:
        partners = [k for k, v in config.sets.items() if own in (k, v.matched_to) or config.sets[own].matched_to == k]
        limits = config.sets[own].colour_range or config.render.colour_range
        if limits is None:
            limits = fixed_range(data.fields, np.concatenate([data.rows(k) for k in partners]))
        scales[own] = ColourScale(name, float(limits[0]), float(limits[1]))
    return scales


def open_modalities(
    config: StudyConfig, data: StudyData, out: Path, device: str
) -> tuple[dict[str, Modality], list[str]]:
    """Every encoder of a study that is at hand, and one sentence for each that is not.

    Raises:
        PhysrepError: an own encoder cannot be trained as asked.
    """
    found: dict[str, Modality] = {}
    notes: list[str] = []
    for name, encoder in config.encoders.items():
        try:
            found[name] = _open(name, encoder, config, data, out, device)
        except PhysrepError as error:
            if encoder.kind not in ("vjepa2", "run"):
                raise
            notes.append(f"{name} is left out: {error}")
    return found, notes


def _open(name: str, encoder: EncoderConfig, config: StudyConfig, data: StudyData, out: Path, device: str) -> Modality:
    if encoder.kind == "pixels":
        return Pixels(encoder.source)
    if encoder.kind in ("vjepa2", "random_vjepa2"):
        return _video(encoder, config, device)
    if encoder.kind == "statistics":
        floor = FieldStatistics(1, encoder.num_frames)
        # A scale, not a fit: the same for all simulations, so nothing of test is learned.
        floor.set_normalisation([CHANNEL], [0.0], [float(np.abs(data.fields).max())])
        return Windows(floor, encoder.stride, "statistics", "moments and derivatives of the field", device)
    from ..run_directory import load_run

    note = "own encoder, reads the field"
    if encoder.kind == "run":
        learner, _ = load_run(encoder.source)
        return Windows(learner, encoder.stride, "run", note, device)
    from ..training.pretrain import pretrain

    settings = replace(config, simulations=encoder.simulations, sets=_without_counts(config))
    # Other starts and parameters than those that are probed.
    source = prepare(settings, out / "pretraining" / "simulations", device, seed=config.seed + 1_000_003)
    root = write_training_data(source, out / "pretraining" / "study")
    training = replace(encoder.training)
    if not all(all(own["periodic"]) for own in source.sets.values()):
        training.shift = False
    run = pretrain(
        encoder.source,
        DataConfig(path=str(root), fields=[CHANNEL], parameters=["first_parameter"]),
        out / "encoders" / name,
        options=encoder.options,
        num_frames=encoder.num_frames,
        training=training,
        seed=encoder.seed,
        device=device,
        label=name,
    )
    learner, _ = load_run(run)
    return Windows(learner, encoder.stride, "pretrain", f"{note}; trained without labels on other simulations", device)


def _without_counts(config: StudyConfig) -> Mapping[str, Any]:
    return {name: replace(own, simulations=None) for name, own in config.sets.items()}


def _video(encoder: EncoderConfig, config: StudyConfig, device: str) -> Modality:
    from ..nn.video_model import VideoModel

    if encoder.kind == "vjepa2":
        return Video(VideoModel.load(encoder.source), "vjepa2", f"pretrained, {encoder.source}", device)
    defaults = {"crop_size": config.render.size or config.resolution, "frames_per_clip": config.frames}
    model = VideoModel.from_config({**defaults, **encoder.options}, seed=encoder.seed)
    return Video(model, "random_vjepa2", f"weights drawn at random, seed {encoder.seed}", device)


def embed_study(
    name: str, modality: Modality, config: StudyConfig, data: StudyData, folder: Path, colour_map: str | None = None
) -> EmbeddingStore:
    """The store of one modality (under another colour map than the study's, if one is named)."""
    scales = colour_scales(config, data, colour_map)
    sets = [own["set"] for own in data.simulations]
    request: dict[str, Any] = {
        "modality": modality.identity(),
        "data": data.key,
        "grid": config.keep_grid and colour_map is None,
    }
    if modality.sees_pictures:
        request["shown"] = {k: v.as_dict() for k, v in scales.items()} | {"size": config.render.size}

    def run(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        if modality.sees_pictures:
            parts = [render(data.fields[i : i + 1], scales[sets[i]], config.render.size) for i in rows]
            shown = torch.cat(parts)
        else:
            shown = torch.from_numpy(np.array(data.fields[rows]))
        frames, grid = modality.embed(shown, data)
        return frames.numpy(), grid.numpy() if grid is not None and request["grid"] else None

    label = name if colour_map is None else f"{name}, {colour_map}"
    where = folder / (name if colour_map is None else f"{name}@{colour_map}")
    times = modality.times(config.frames)
    return write_store(
        where, request, data.simulations, run, times, batch_size=config.batch_size, label=f"embed {label}"
    )

"""The frozen encoders of a study, and their tokens of every simulation.

Video models and pixels see the same pictures, all frames in one window. Encoders that read the field see it in windows
that follow one another in time; each window is one time of their latent trajectories.
"""

from __future__ import annotations

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
from ..learners import FieldStatistics, FrozenVideo, Learner, VideoPixels
from ..learners.rendered import Rendered
from ..learners.rendering import ColourScale, fixed_range
from ..tokens import TokenStore, embed
from .config import EncoderConfig, StudyConfig
from .data import CHANNEL, StudyData, prepare, write_training_data


class StudyClips:
    """The simulations as a source of windows; see `physrep.tokens.embed.ClipSource`.

    Args:
        data: of the study.
        channel: name under which the shown field is given, whatever it is called.
    """

    def __init__(self, data: StudyData, channel: str) -> None:
        self.data, self.channels = data, (channel,)
        # The name of the folder stands for the content.
        self.folder, self.n_trajectories = Path(data.key), len(data)
        self.parameter_names = tuple(dict.fromkeys(p for own in data.sets.values() for p in own["parameters"]))
        self.periodic = all(all(own["periodic"]) for own in data.sets.values())

    def clip(self, windows: np.ndarray, frames: int, frame_step: int = 1) -> Clip:
        """Windows ``(B, 1, T, n, n)`` with the parameters of their simulations, NaN where one has none of that name."""
        fields = np.stack([self.data.fields[i, s : s + frames * frame_step : frame_step] for i, s in windows.tolist()])
        n = fields.shape[-1]
        values = [
            [self.data.simulations[i]["parameters"].get(name, np.nan) for name in self.parameter_names]
            for i in windows[:, 0]
        ]
        return Clip(
            fields=torch.from_numpy(fields)[:, None],
            parameters=torch.tensor(values, dtype=torch.float64).reshape(len(windows), len(self.parameter_names)),
            channels=self.channels,
            parameter_names=self.parameter_names,
            dt=float(frame_step),
            dx=(1 / n, 1 / n),
            periodic=(self.periodic, self.periodic),
            trajectory=torch.from_numpy(windows[:, 0].copy()),
            start=torch.from_numpy(windows[:, 1].copy()),
        )


def colour_scales(config: StudyConfig, data: StudyData, colour_map: str | None = None) -> dict[str, ColourScale]:
    """The fixed colour scale of every set; matched sets share one, so that colour does not tell a pair apart."""
    name = colour_map or config.render.colour_map
    scales = {}
    for own in config.systems:
        partners = [
            k for k, v in config.systems.items() if own in (k, v.matched_to) or config.systems[own].matched_to == k
        ]
        limits = config.systems[own].colour_range or config.render.colour_range
        if limits is None:
            limits = fixed_range(data.fields, np.concatenate([data.rows(k) for k in partners]))
        scales[own] = ColourScale(name, float(limits[0]), float(limits[1]))
    return scales


def open_encoders(config: StudyConfig, data: StudyData, out: Path, device: str) -> tuple[dict[str, Learner], list[str]]:
    """Every encoder of a study that is at hand, frozen, and one sentence for each that is not.

    Raises:
        PhysrepError: an own encoder cannot be trained as asked.
    """
    found: dict[str, Learner] = {}
    notes: list[str] = []
    for name, encoder in config.encoders.items():
        try:
            found[name] = _open(name, encoder, config, data, out, device).eval().to(device)
            _check_channels(found[name], config)
        except PhysrepError as error:
            found.pop(name, None)
            if encoder.kind not in ("vjepa2", "run"):
                raise
            notes.append(f"{name} is left out: {error}")
    return found, notes


def _check_channels(learner: Learner, config: StudyConfig) -> None:
    if learner.in_channels != 1:
        raise PhysrepError(
            f"it reads the channels {', '.join(learner.channels) or 'unknown'}, but a study shows one scalar field."
        )
    if learner.num_frames > config.frames:
        raise PhysrepError(f"it reads windows of {learner.num_frames} frames, the study has {config.frames}.")


def _open(name: str, encoder: EncoderConfig, config: StudyConfig, data: StudyData, out: Path, device: str) -> Learner:
    shown = {"colour_map": config.render.colour_map, "size": config.render.size}
    if encoder.kind == "pixels":
        return VideoPixels(1, config.frames, source=encoder.source, **shown)
    if encoder.kind == "vjepa2":
        return FrozenVideo(1, config.frames, source=encoder.source, pool=_pool(config), **shown)
    if encoder.kind == "random_vjepa2":
        defaults = {"crop_size": config.render.size or config.resolution, "frames_per_clip": config.frames}
        options = {**defaults, **encoder.options}
        return FrozenVideo(1, config.frames, config=options, seed=encoder.seed, pool=_pool(config), **shown)
    if encoder.kind == "statistics":
        floor = FieldStatistics(1, encoder.num_frames)
        # A scale, not a fit: the same for all simulations, so nothing of test is learned.
        floor.set_normalisation([CHANNEL], [0.0], [float(np.abs(data.fields).max())])
        return floor
    from ..run_directory import load_run

    if encoder.kind == "run":
        return load_run(encoder.source)[0]
    from ..training.pretrain import pretrain

    settings = replace(config, trajectories=encoder.trajectories, systems=_without_counts(config))
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
    return load_run(run)[0]


def _without_counts(config: StudyConfig) -> Mapping[str, Any]:
    return {name: replace(own, trajectories=None) for name, own in config.systems.items()}


def _pool(config: StudyConfig) -> Any:
    return "none" if config.keep_grid else "space"


def embed_study(
    name: str, learner: Learner, config: StudyConfig, data: StudyData, folder: Path, colour_map: str | None = None
) -> TokenStore:
    """The tokens of one encoder (under another colour map than the study's, if one is named)."""
    source = StudyClips(data, (learner.channels or (CHANNEL,))[0])
    scales = colour_scales(config, data, colour_map)
    sets = np.array([own["set"] for own in data.simulations])
    stride = 1 if isinstance(learner, Rendered) else config.encoders[name].stride
    starts = np.arange(0, config.frames - learner.num_frames + 1, stride)
    windows = np.stack([np.repeat(np.arange(len(data)), len(starts)), np.tile(starts, len(data))], 1)
    settings: dict[str, Any] = {}
    if isinstance(learner, Rendered):
        settings = {"shown": {key: scale.as_dict() for key, scale in scales.items()}}
        # The colours are part of the settings and not of what the encoder is.
        learner.show(config.render.colour_map)

    def encode(clip: Clip) -> Tensor:
        if not isinstance(learner, Rendered):
            return learner.encode(clip)
        parts = []
        own = sets[clip.trajectory.cpu().numpy()]
        for first in [0, *(np.flatnonzero(own[1:] != own[:-1]) + 1)]:
            scale = scales[str(own[first])]
            learner.show(scale.name, (scale.low, scale.high))
            last = first + int((own[first:] == own[first]).argmin() or len(own) - first)
            parts.append(learner.encode(_rows(clip, first, last)))
        return torch.cat(parts)

    label = f"embed {name}" if colour_map is None else f"embed {name}, {colour_map}"
    where = folder / (name if colour_map is None else f"{name}@{colour_map}")
    return embed(
        learner, source, windows, where, frames=learner.num_frames, encode=encode, batch_size=config.batch_size,
        device=str(learner.field_mean.device), settings=settings, label=label,
    )  # fmt: skip


def _rows(clip: Clip, first: int, last: int) -> Clip:
    return replace(
        clip, fields=clip.fields[first:last], parameters=clip.parameters[first:last],
        trajectory=clip.trajectory[first:last], start=clip.start[first:last],
    )  # fmt: skip

"""A fitted probe with everything that is needed to ask new recordings, as files of a run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..files import atomic_path, read_json, write_json
from ..learners.spectra import Spectra
from ..metrics import cluster_means
from ..tokens import LabelScaler, TokenStore
from .conformal import Conformal
from .novelty import INSIDE_WORDS, Novelty
from .own import own_reading
from .state import pack, unpack

if TYPE_CHECKING:
    from ..clip import Clip
    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..probes import Predictions, Probe

SPECTRA_WINDOWS = 1024
"""Windows per split whose power spectra are kept in mind; a subset of equal steps where there are more."""

STEP_TOLERANCE = 0.01
"""Relative difference of time step or spacing from which on a recording is not on the training grid."""


@dataclass
class Readout:
    """From clips to physical parameters, with intervals and a verdict.

    Attributes:
        name: of the probe, or ``head``, ``direct`` for a learner's own reading.
        scaler: units of the parameters.
        ranges: lowest and highest training value of each parameter.
        windows, trajectories: conformal half widths of either.
        novelty: by name of the features, ``tokens`` and ``spectra``.
        grid: what the training data looked like: dt, dx, shape.
        stride: distance between the starts of windows.
        probe: fitted; None where the learner speaks for itself.
        quality: test MSE of the z-scored parameters per trajectory, mean over parameters.
    """

    name: str
    scaler: LabelScaler
    ranges: dict[str, tuple[float, float]]
    windows: Conformal
    trajectories: Conformal
    novelty: dict[str, Novelty]
    grid: dict[str, Any]
    stride: int
    probe: Probe | None = None
    quality: float = float("nan")
    valid: float = float("nan")

    @classmethod
    def fit(
        cls,
        name: str,
        probe: Probe | None,
        learner: Learner,
        stores: Mapping[str, TokenStore],
        splits: Mapping[str, ClipDataset],
        scaler: LabelScaler,
        predictions: Mapping[str, Predictions],
        stride: int,
        novelty: dict[str, Novelty] | None = None,
        level: float = 0.9,
    ) -> Readout:
        """From a fitted probe and its predictions of valid and test.

        Args:
            name: of the probe.
            probe: fitted; None for a learner's own reading.
            learner: frozen.
            stores, splits: tokens and clips of train, valid and test.
            scaler: of the labels.
            predictions: of valid, from which the intervals come, and test, on which their coverage is measured.
            stride: distance between the starts of windows.
            novelty: what `novelties` gave for this learner and data, where several probes share it.
            level: of the intervals.
        """
        valid, test = (predictions[split] for split in ("valid", "test"))
        windows = Conformal.fit(valid.prediction, valid.target, level).tested(test.prediction, test.target)
        mean_valid, mean_test = _per_trajectory(valid), _per_trajectory(test)
        trajectories = Conformal.fit(*mean_valid, level).tested(*mean_test)
        errors = [float(np.mean((prediction - target) ** 2)) for prediction, target in (mean_valid, mean_test)]
        train = splits["train"]
        values = train.parameters.numpy()
        lows, highs = values.min(axis=0), values.max(axis=0)
        ranges = {n: (float(lows[k]), float(highs[k])) for k, n in enumerate(train.parameter_names)}
        grid = {"dt": train.dt * _frame_step(stores["train"]), "dx": list(train.dx), "shape": list(train.shape)}
        novelty = novelties(learner, stores, splits) if novelty is None else novelty
        return cls(
            name,
            scaler,
            ranges,
            windows,
            trajectories,
            novelty,
            grid,
            stride,
            probe,
            quality=errors[1],
            valid=errors[0],
        )

    def ask(self, learner: Learner, clip: Clip) -> Answer:
        """The windows of one trajectory.

        Args:
            learner: the frozen learner that the readout was fitted on.
            clip: its windows.

        Raises:
            PhysrepError: the clip lacks a channel or has another number of frames.
        """
        with torch.inference_mode():
            tokens = learner.encode(clip).float().cpu()
            if not torch.isfinite(tokens).all():
                raise PhysrepError("the encoder gave NaN or infinite tokens for this recording; check its fields.")
            scaled = self._read(learner, clip, tokens).double()
            features = {"tokens": tokens, "spectra": _spectrum(learner, clip)}
        mean = scaled.mean(dim=0, keepdim=True)
        reasons: list[tuple[int, str]] = []
        scores = {name: float(n.score(features[name]).mean()) for name, n in self.novelty.items()}
        for name, score in scores.items():
            limits = self.novelty[name].limits
            verdict = int(self.novelty[name].verdict(np.array([score]))[0])
            if verdict:
                text = f"{name} unlike those of training ({score:.3g}, limit {limits[verdict - 1]:.3g})"
                reasons.append((verdict, text))
        reasons += self._off_grid(learner, clip)
        estimate = self._physical(mean)
        half = torch.tensor(self.trajectories.half_width, dtype=torch.float64)
        low, high = self._physical(mean - half), self._physical(mean + half)
        for k, name in enumerate(self.scaler.names):
            bounds = self._scaled_range(name)
            beyond = max(bounds[0] - float(mean[0, k]), float(mean[0, k]) - bounds[1])
            if beyond > 0:
                reasons.append((2 if beyond > float(half[k]) else 1, f"{name} beyond the training range"))
        return Answer(
            parameters=self.scaler.names,
            estimate=estimate[0],
            low=low[0],
            high=high[0],
            verdict=max((level for level, _ in reasons), default=0),
            reasons=[text for _, text in sorted(reasons, reverse=True)],
            windows=self._physical(scaled),
            window_low=self._physical(scaled - torch.tensor(self.windows.half_width, dtype=torch.float64)),
            window_high=self._physical(scaled + torch.tensor(self.windows.half_width, dtype=torch.float64)),
            starts=clip.start.numpy(),
            scores=scores,
        )

    def _read(self, learner: Learner, clip: Clip, tokens: Tensor) -> Tensor:
        if self.probe is not None:
            return self.probe.predict(tokens)
        reading = own_reading(learner, self.scaler)
        if reading is None:
            raise PhysrepError(f"{type(learner).__name__} says nothing of the parameters by itself; name a --probe.")
        return reading[1](clip).cpu()

    def _scaled_range(self, name: str) -> tuple[float, float]:
        k = self.scaler.names.index(name)
        low, high = (np.log10(v) if self.scaler.scales[k] == "log" else v for v in self.ranges[name])
        mean, std = self.scaler.mean[k], self.scaler.std[k]
        return float(low - mean) / std, float(high - mean) / std

    def _physical(self, scaled: Tensor) -> np.ndarray:
        return self.scaler.inverse(scaled).numpy()

    def _off_grid(self, learner: Learner, clip: Clip) -> list[tuple[int, str]]:
        """Time step and spacing are not seen by an encoder that reads pixels: another grid is another world to it."""
        if learner.reads_units:
            return []
        found: list[tuple[int, str]] = []
        compared = {"time step": ([clip.dt], [self.grid["dt"]]), "spacing": (list(clip.dx), self.grid["dx"])}
        for what, (own, known) in compared.items():
            pairs = list(zip(own, known, strict=False))
            if len(own) != len(known) or any(abs(a - b) > STEP_TOLERANCE * abs(b) for a, b in pairs):
                here, there = (" x ".join(f"{v:.4g}" for v in values) for values in (own, known))
                found.append((2, f"{what} {here}, trained on {there}"))
        return found

    def save(self, run: str | Path) -> None:
        """Write ``readout_NAME.safetensors`` and ``readout_NAME.json``: tensors and plain data.

        Raises:
            PhysrepError: the probe holds something that is neither.
        """
        from safetensors.torch import save_file

        tensors: dict[str, Tensor] = {}
        content = {
            "name": self.name,
            "probe": pack(self.probe, tensors, "probe"),
            "probe_class": _path_of(self.probe),
            "scaler": self.scaler.to_dict(),
            "ranges": self.ranges,
            "windows": vars(self.windows),
            "trajectories": vars(self.trajectories),
            "novelty": pack(self.novelty, tensors, "novelty"),
            "grid": self.grid,
            "stride": self.stride,
            "quality": self.quality,
            "valid": self.valid,
        }
        with atomic_path(Path(run) / f"readout_{self.name}.safetensors") as path:
            save_file(tensors, path)
        write_json(Path(run) / f"readout_{self.name}.json", content)


@dataclass
class Answer:
    """What a readout says of one trajectory; arrays of physical values have the shape ``(P,)`` or ``(windows, P)``.

    Attributes:
        verdict: 0 inside what was learned, 1 at its edge, 2 outside.
        reasons: for a verdict that is not 0.
        scores: novelty by name of the features.
    """

    parameters: tuple[str, ...]
    estimate: np.ndarray
    low: np.ndarray
    high: np.ndarray
    verdict: int
    reasons: list[str]
    windows: np.ndarray
    window_low: np.ndarray
    window_high: np.ndarray
    starts: np.ndarray
    scores: dict[str, float] = field(default_factory=dict)

    @property
    def word(self) -> str:
        """The verdict in words."""
        return INSIDE_WORDS[self.verdict]


def readout_names(run: str | Path) -> list[str]:
    """Names of the readouts that a run directory holds."""
    return sorted(path.stem.removeprefix("readout_") for path in Path(run).glob("readout_*.json"))


def read_readout(run: str | Path, name: str | None = None) -> Readout:
    """A stored readout; the one with the lowest error on valid where none is named.

    Args:
        run: run directory of `physrep probe`, or one below ``runs/`` of a benchmark.
        name: of its probe.

    Raises:
        PhysrepError: there is none, none of that name, or it is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    run, names = Path(run), readout_names(run)
    if not names:
        raise PhysrepError(
            f"{run}: holds no fitted probe; `physrep probe {run}` (or the benchmark again) fits and stores one."
        )
    if name is not None and name not in names:
        raise PhysrepError(f"{run}: holds no readout of the probe {name!r}; it has {', '.join(names)}.")
    stored = {key: read_json(run / f"readout_{key}.json") for key in ([name] if name else names)}
    chosen = min(stored, key=lambda key: stored[key].get("valid", float("inf")))
    content, file = stored[chosen], run / f"readout_{chosen}.safetensors"
    try:
        tensors = load_file(file)
        trusted = content["probe_class"]
        return Readout(
            content["name"],
            LabelScaler.from_dict(content["scaler"]),
            {key: (float(low), float(high)) for key, (low, high) in content["ranges"].items()},
            Conformal(**content["windows"]),
            Conformal(**content["trajectories"]),
            unpack(content["novelty"], tensors),
            content["grid"],
            int(content["stride"]),
            unpack(content["probe"], tensors, trusted),
            float(content["quality"]),
            float(content["valid"]),
        )
    except PhysrepError:
        raise
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:120]
        raise PhysrepError(
            f"{file}: is no complete readout ({reason}); `physrep probe {run}` makes it again."
        ) from error


def novelties(
    learner: Learner, stores: Mapping[str, TokenStore], splits: Mapping[str, ClipDataset]
) -> dict[str, Novelty]:
    """How strange tokens and power spectra are, fitted on train, with limits from valid; see `Novelty`."""
    spectra = {split: _spectra(learner, splits[split], stores[split]) for split in ("train", "valid", "test")}
    tokens = {split: (stores[split].tokens, stores[split].trajectory) for split in spectra}
    return {"tokens": _novelty(tokens), "spectra": _novelty(spectra)}


def _frame_step(store: TokenStore) -> int:
    return int(store.meta.get("request", {}).get("frame_step", 1))


def _per_trajectory(part: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Mean predictions and targets of the windows of every trajectory."""
    return cluster_means(part.prediction, part.trajectory)[0], cluster_means(part.target, part.trajectory)[0]


def _path_of(probe: Probe | None) -> str | None:
    return None if probe is None else f"{type(probe).__module__}:{type(probe).__qualname__}"


def _novelty(parts: Mapping[str, tuple[Any, Any]]) -> Novelty:
    """Fitted on train, limits from valid, false alarms from test; scores are means over a trajectory's windows."""
    found = Novelty().fit(parts["train"][0])

    def score(split: str) -> np.ndarray:
        tokens, trajectory = parts[split]
        return cluster_means(found.score(tokens)[:, None], np.asarray(trajectory))[0][:, 0]

    return found.calibrate(score("valid")).tested(score("test"))


def _spectra(learner: Learner, dataset: ClipDataset, store: TokenStore) -> tuple[Tensor, np.ndarray]:
    """Power spectra of windows of a split, and the trajectories of these windows."""
    places = np.stack([np.asarray(store.trajectory), np.asarray(store.start)], 1)
    places = places[np.unique(np.linspace(0, len(places) - 1, min(len(places), SPECTRA_WINDOWS), dtype=int))]
    step = _frame_step(store)
    parts = [
        _spectrum(learner, dataset.clip(places[i : i + 64], learner.num_frames, step))
        for i in range(0, len(places), 64)
    ]
    return torch.cat(parts), places[:, 0]


def _spectrum(learner: Learner, clip: Clip) -> Tensor:
    """Of the fields as the learner normalises them."""
    fields = learner.fields(clip, learner.num_frames)
    names = learner.channels or clip.channels
    own = Spectra(fields.shape[1], learner.num_frames)
    return own.encode(replace(clip, fields=fields.cpu(), channels=names)).float()

"""A fitted probe with everything that is needed to ask new recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ..data.units import other_units
from ..errors import PhysrepError
from ..learners.joined import encode_trajectories
from ..metrics import cluster_means
from .answer import Answer, PosteriorDraws
from .background import Background
from .conformal import Conformal
from .held_out import HeldOut
from .own import own_reading

if TYPE_CHECKING:
    from ..clip import Clip
    from ..learners.base import Learner
    from ..posterior import TokenPosterior
    from ..probes import Predictions, Probe
    from ..tokens import LabelScaler

STEP_TOLERANCE = 0.01
"""Relative difference of time step or spacing from which on a recording is not on the training grid."""

RANGE_MARGIN = 0.05
"""Share of a parameter's training range by which an estimate may exceed it and not yet be outside."""


@dataclass
class Readout:
    """From clips to physical parameters, with intervals and a verdict.

    Attributes:
        name: of the probe, or ``head``, ``direct`` for a learner's own reading.
        background: what the training data looked like.
        windows, trajectories: conformal intervals of either.
        probe: fitted; None where the learner speaks for itself.
        quality, valid: MSE of the z-scored parameters per trajectory on test and valid, mean over parameters.
        false_alarms: shares of test trajectories with the verdict *at the edge* or *outside*, and *outside*.
    """

    name: str
    background: Background
    windows: Conformal
    trajectories: Conformal
    probe: Probe | None = None
    quality: float = float("nan")
    valid: float = float("nan")
    false_alarms: tuple[float, float] = (float("nan"), float("nan"))

    @classmethod
    def fit(
        cls,
        name: str,
        probe: Probe | None,
        predictions: Mapping[str, Predictions],
        background: Background,
        held_out: HeldOut,
        level: float = 0.9,
    ) -> Readout:
        """From a fitted probe and its predictions of valid and test.

        Args:
            name: of the probe.
            probe: fitted; None for a learner's own reading.
            predictions: of valid, whose error chooses among readouts, and test, on which all is measured.
            background: of the same encoder and data.
            held_out: predictions from whose errors the intervals come.
            level: of the intervals.
        """
        valid, test = (predictions[split] for split in ("valid", "test"))
        mean_valid, mean_test = _per_trajectory(valid), _per_trajectory(test)
        windows, trajectories = held_out.intervals(test, level)
        errors = [float(np.mean((prediction - target) ** 2)) for prediction, target in (mean_valid, mean_test)]
        made = cls(name, background, windows, trajectories, probe, quality=errors[1], valid=errors[0])
        own = [max((verdict for verdict, _ in made._off_range(row)), default=0) for row in mean_test[0]]
        numbers = np.unique(test.trajectory).tolist()
        verdicts = np.array([max(v, background.strange.get(n, 0)) for v, n in zip(own, numbers, strict=True)])
        made.false_alarms = (float((verdicts > 0).mean()), float((verdicts > 1).mean()))
        return made

    @property
    def scaler(self) -> LabelScaler:
        """Units of the parameters."""
        return self.background.scaler

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Lowest and highest training value of each parameter."""
        return self.background.ranges

    def ask(
        self,
        learner: Learner,
        clip: Clip,
        posterior: tuple[str, TokenPosterior] | None = None,
        draws: int = 1000,
        units: Mapping[str, str] | None = None,
    ) -> Answer:
        """The windows of one trajectory.

        Args:
            learner: the frozen learner that the readout was fitted on.
            clip: its windows.
            posterior: name of its features, and the posterior of the run, which then is drawn from too.
            draws: of the posterior.
            units: that the recording states, by what they are of (`physrep.data.units`).

        Raises:
            PhysrepError: the clip lacks a channel or has another number of frames.
        """
        spectra = self.background.spectra
        with torch.inference_mode():
            tokens = encode_trajectories(learner, clip)
            if not torch.isfinite(tokens).all():
                raise PhysrepError("the encoder gave NaN or infinite tokens for this recording; check its fields.")
            scaled = self._read(learner, clip, tokens).double()
            features = {"tokens": tokens, "spectra": spectra.encode(clip.to("cpu")).float()}
        reasons: list[tuple[int, str]] = []
        novelty = self.background.novelty
        scores = {name: float(n.score(features[name]).mean()) for name, n in novelty.items()}
        for name, score in scores.items():
            limits = novelty[name].limits
            verdict = int(novelty[name].verdict(np.array([score]))[0])
            if verdict:
                text = f"{name} unlike those of training ({score:.3g}, limit {limits[verdict - 1]:.3g})"
                reasons.append((verdict, text))
        mean = scaled.mean(dim=0, keepdim=True)
        reasons += self._off_grid(learner, clip) + self._off_range(mean[0].numpy())
        # Readouts that were stored before units were have none.
        for what, own, known in other_units(units or {}, self.background.grid.get("units", {})):
            reasons.append((2, f"{what} in {own!r}, trained on {known!r}"))
        half, narrow = self.trajectories.widths(mean), self.windows.widths(scaled)
        return Answer(
            parameters=self.scaler.names,
            estimate=self._physical(mean)[0],
            low=self._physical(mean - half)[0],
            high=self._physical(mean + half)[0],
            verdict=max((level for level, _ in reasons), default=0),
            reasons=[text for _, text in sorted(reasons, reverse=True)],
            windows=self._physical(scaled),
            window_low=self._physical(scaled - narrow),
            window_high=self._physical(scaled + narrow),
            starts=clip.start.cpu().numpy(),
            scores=scores,
            neighbours=self.background.neighbours.nearest(novelty["tokens"].whitened(tokens)),
            posterior=None if posterior is None else self._draws(*posterior, features, draws),
        )

    def _draws(
        self, name: str, posterior: TokenPosterior, features: Mapping[str, Tensor], count: int
    ) -> PosteriorDraws:
        one = np.zeros(len(features["tokens"]), dtype=np.int64)
        summary = posterior.summary({key: (features[key], one) for key in posterior.summaries})
        return PosteriorDraws(name, self._physical(posterior.sample(summary, count)[:, 0].double()))

    def _read(self, learner: Learner, clip: Clip, tokens: Tensor) -> Tensor:
        if self.probe is not None:
            return self.probe.predict(tokens)
        reading = own_reading(learner, self.scaler)
        if reading is None:
            raise PhysrepError(f"{type(learner).__name__} says nothing of the parameters by itself; name a --probe.")
        return reading[1](clip).cpu()

    def _off_range(self, mean: np.ndarray) -> list[tuple[int, str]]:
        """Estimates ``(P,)``, z-scored, beyond the training values: outside if the interval does not reach back.

        An interval may be far narrower than the distance between two training values, so a recording is outside only
        from `RANGE_MARGIN` of the range on.
        """
        found: list[tuple[int, str]] = []
        widths = self.trajectories.widths_of(mean[None])[0]
        for k, name in enumerate(self.scaler.names):
            low, high = self._scaled_range(name)
            beyond = max(low - float(mean[k]), float(mean[k]) - high)
            if beyond > 0:
                verdict = 2 if beyond > max(widths[k], RANGE_MARGIN * (high - low)) else 1
                found.append((verdict, f"{name} beyond the training range"))
        return found

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
        grid = self.background.grid
        compared = {"time step": ([clip.dt], [grid["dt"]]), "spacing": (list(clip.dx), grid["dx"])}
        for what, (own, known) in compared.items():
            pairs = list(zip(own, known, strict=False))
            if len(own) != len(known) or any(abs(a - b) > STEP_TOLERANCE * abs(b) for a, b in pairs):
                here, there = (" x ".join(f"{v:.4g}" for v in values) for values in (own, known))
                found.append((2, f"{what} {here}, trained on {there}"))
        if (here := list(clip.fields.shape[3:])) != grid["shape"]:
            # A domain of another size; tokens tell whether it matters.
            texts = (" x ".join(map(str, points)) for points in (here, grid["shape"]))
            found.append((1, "{} points, trained on {}".format(*texts)))
        return found


def _per_trajectory(part: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Mean predictions and targets of the windows of every trajectory."""
    return cluster_means(part.prediction, part.trajectory)[0], cluster_means(part.target, part.trajectory)[0]

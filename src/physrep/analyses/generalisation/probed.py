"""A frozen learner with a probe that was fitted once, on clean training tokens."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError
from ...learners.joined import encode_trajectories, joining
from ...probes import PROBES, AttentiveProbeFit, Probe
from ...probes.moments import token_moments
from ...registry import resolve
from ..base import Context, FrozenRun

if TYPE_CHECKING:
    from ...learners.base import Learner

BATCH = 64
"""Windows that are encoded together."""


class ProbedRun:
    """One encoder of the benchmark and its probe.

    Every probe but the attentive one reads tokens through their mean and standard deviation. For those, tokens are
    reduced to these moments once, so that a probe can be fitted to many parts of the training split.

    Args:
        context: the benchmark.
        run: which encoder.
        probe: name of the probe; ``chosen`` for the one with the lowest MSE on valid.

    Attributes:
        probe_name: name of the probe.
        names: of the P parameters.
        labels: z-scored parameters of the windows of each split, float32 with shape ``(windows, P)``.
        trajectory: of the windows of each split.
        start: first frame of the windows of each split.
    """

    def __init__(self, context: Context, run: FrozenRun, probe: str) -> None:
        self.context, self.run = context, run
        self.probe_name = context.chosen_probe(run) if probe == "chosen" else probe
        self._whole_tokens = resolve(self.probe_name, PROBES, "probe") is AttentiveProbeFit
        stores = context.stores(run)
        self.names = context.scaler.names
        self.labels = context.scaler.of_stores(stores)
        self.trajectory = {split: np.asarray(store.trajectory) for split, store in stores.items()}
        self.start = {split: np.asarray(store.start) for split, store in stores.items()}
        self.tokens = {split: self._reduced(store.tokens) for split, store in stores.items()}

    def _reduced(self, tokens: Tensor | np.ndarray) -> Tensor | np.ndarray:
        return tokens if self._whole_tokens else token_moments(tokens)[:, None]

    @cached_property
    def learner(self) -> Learner:
        """The frozen learner."""
        return self.context.learner(self.run)

    @cached_property
    def probe(self) -> Probe:
        """The probe of the whole training split."""
        return self.fit()

    def fit(self, train: np.ndarray | None = None, valid: np.ndarray | None = None) -> Probe:
        """A probe fitted on these windows (masks) of train, its settings chosen on those of valid; default all."""
        parts = []
        for split, mask in (("train", train), ("valid", valid)):
            tokens, labels = self.tokens[split], self.labels[split]
            if mask is not None:
                rows = np.flatnonzero(mask)
                tokens, labels = tokens[rows], labels[torch.from_numpy(rows)]
            parts += [tokens, labels]
        return self.context.build_probe(self.probe_name, seed=self.run.seed).fit(*parts)

    @cached_property
    def clean(self) -> np.ndarray:
        """Predictions for the stored test windows, z-scored, float64 with shape ``(windows, P)``."""
        return self.probe.predict(self.tokens["test"]).double().numpy()

    def clean_at(self, windows: np.ndarray) -> np.ndarray:
        """Clean predictions for windows (trajectory, start), which must be among those stored.

        Where windows are joined, those of a trajectory that are not given do not count.

        Raises:
            PhysrepError: one is not.
        """
        place = {pair: row for row, pair in enumerate(zip(self.trajectory["test"], self.start["test"], strict=True))}
        try:
            rows = np.array([place[(trajectory, start)] for trajectory, start in windows], dtype=int)
        except KeyError as error:
            raise PhysrepError(
                f"{self.run.name}: its test tokens hold no window {error}; run `physrep bench` again."
            ) from None
        if joining(self.learner) is None:
            return self.clean[rows]
        names, index = np.unique(windows[:, 0], return_inverse=True)
        return self.clean_sets([rows[index == number] for number in range(len(names))])[index]

    def predict(self, clip: Clip) -> np.ndarray:
        """Predictions for a clip, z-scored, float64 with shape ``(B, P)``.

        Args:
            clip: windows; see `encode_trajectories`.
        """
        with torch.inference_mode():
            return self._predicted(encode_trajectories(self.learner, clip))

    def _predicted(self, tokens: Tensor) -> np.ndarray:
        return self.probe.predict(self._reduced(tokens)).double().numpy()

    def clean_sets(self, sets: Sequence[np.ndarray]) -> np.ndarray:
        """Clean predictions of sets of windows, z-scored, with shape ``(sets, P)``: what each set says together.

        Means of the predictions of windows; a learner that joins windows is asked for each set anew.

        Args:
            sets: rows of the stored test windows, each of one trajectory.
        """
        join = joining(self.learner)
        if join is None:
            return np.stack([self.clean[rows].mean(0) for rows in sets])
        with torch.inference_mode():
            evidence = self._evidence[torch.from_numpy(np.concatenate(sets))]
            place = torch.arange(len(sets)).repeat_interleave(torch.tensor([len(rows) for rows in sets]))
            return self._predicted(join.joined(evidence, place.to(evidence.device)).float().cpu())

    @cached_property
    def _evidence(self) -> Tensor:
        """Of the stored test windows, of a learner that joins them."""
        join, context, parts = joining(self.learner), self.context, []
        assert join is not None
        windows = np.stack([self.trajectory["test"], self.start["test"]], 1)
        with torch.inference_mode():
            for first in range(0, len(windows), BATCH):
                rows = windows[first : first + BATCH]
                clip = context.splits["test"].clip(rows, self.learner.num_frames, context.data.frame_step)
                parts.append(join.evidence(clip.to(self.learner.field_mean.device)))
        return torch.cat(parts)

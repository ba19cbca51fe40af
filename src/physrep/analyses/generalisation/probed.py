"""A frozen learner with a probe that was fitted once, on clean training tokens."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError
from ...probes import PROBES, AttentiveProbeFit, Probe
from ...probes.moments import token_moments
from ...registry import resolve
from ..base import Context, FrozenRun

if TYPE_CHECKING:
    from ...learners.base import Learner


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

        Raises:
            PhysrepError: one is not.
        """
        place = {pair: row for row, pair in enumerate(zip(self.trajectory["test"], self.start["test"], strict=True))}
        try:
            return self.clean[[place[(trajectory, start)] for trajectory, start in windows]]
        except KeyError as error:
            raise PhysrepError(
                f"{self.run.name}: its test tokens hold no window {error}; run `physrep bench` again."
            ) from None

    def predict(self, clip: Clip) -> np.ndarray:
        """Predictions for a clip, z-scored, float64 with shape ``(B, P)``."""
        with torch.inference_mode():
            device = next((tensor.device for tensor in self.learner.buffers()), torch.device("cpu"))
            tokens = self.learner.encode(clip.to(device)).float().cpu()
        return self.probe.predict(self._reduced(tokens)).double().numpy()

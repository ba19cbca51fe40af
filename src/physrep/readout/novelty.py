r"""Is a window like those that a probe was fitted on? The Mahalanobis distance of its features from train.

With mean μ and covariance Σ of the standardised features x of train, the score is ``sqrt((x - μ)ᵀ Σ⁻¹ (x - μ) / F)``,
about 1 for what Σ describes; Σ is shrunk (Ledoit and Wolf), so that few windows of many features do not make every new
window look strange. Scores are turned into a verdict by those of the validation windows, which were not fitted either:
``inside`` up to their 95 % quantile, ``at the edge`` up to 99 % times `MARGIN`, ``outside`` beyond.

Source: Lee et al., "A simple unified framework for detecting out-of-distribution samples", 2018,
https://arxiv.org/abs/1807.03888; Ledoit and Wolf, "A well-conditioned estimator for large-dimensional covariance
matrices", 2004.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..probes.moments import StandardMoments

EDGE, OUTSIDE, MARGIN = 0.95, 0.99, 1.1
INSIDE_WORDS = ("inside", "at the edge", "outside")

LARGEST = 1e6
"""Features further than this many standard deviations are as strange as can be."""


class Novelty:
    """Scores of windows, and the two limits that valid windows put on them.

    Attributes:
        limits: scores above which a trajectory is at the edge, and outside; of the mean score of its windows.
        false_alarms: shares of test trajectories at the edge or outside, and outside; NaN before `tested`.
    """

    def fit(self, train: Tensor | np.ndarray) -> Self:
        """Mean and covariance from tokens of train with shape ``(windows, N, D)``."""
        from sklearn.covariance import ledoit_wolf

        self._features = StandardMoments().fit(train)
        x = self._read(train)
        self._mean = x.mean(dim=0)
        covariance, self.shrinkage = ledoit_wolf((x - self._mean).numpy(), assume_centered=True)
        values, self._vectors = torch.linalg.eigh(torch.from_numpy(np.asarray(covariance)))
        self._weights = 1 / values.clamp(min=1e-12 * float(values.max()) or 1.0)
        return self

    def _read(self, tokens: Tensor | np.ndarray) -> Tensor:
        return self._features(tokens).clamp(-LARGEST, LARGEST)

    def whitened(self, tokens: Tensor | np.ndarray) -> Tensor:
        """Features whose covariance in train is the identity, with shape ``(windows, F)``."""
        return ((self._read(tokens) - self._mean) @ self._vectors) * self._weights.sqrt()

    def score(self, tokens: Tensor | np.ndarray) -> np.ndarray:
        """Of every window, with shape ``(windows,)``."""
        return self.whitened(tokens).square().mean(dim=1).sqrt().numpy()

    def calibrate(self, scores: np.ndarray) -> Self:
        """Set the limits from the scores of valid trajectories."""
        edge, outside = np.quantile(scores, [EDGE, OUTSIDE])
        self.limits = (float(edge), float(outside * MARGIN))
        self.false_alarms = (float("nan"), float("nan"))
        return self

    def tested(self, scores: np.ndarray) -> Self:
        """Record how often test trajectories are called strange."""
        self.false_alarms = (float((scores > self.limits[0]).mean()), float((scores > self.limits[1]).mean()))
        return self

    def verdict(self, scores: np.ndarray) -> np.ndarray:
        """0 inside, 1 at the edge, 2 outside, of every score."""
        return (scores > self.limits[0]).astype(int) + (scores > self.limits[1])

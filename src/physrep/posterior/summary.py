"""Summary statistics of a trajectory: what neural posterior estimation conditions on."""

from __future__ import annotations

from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..metrics import cluster_means
from ..probes.base import Tokens
from ..probes.moments import StandardMoments

WIDTH = 24
"""Principal components that are kept, at most."""


class Summary:
    """Mean over its windows of the standardised moments of the tokens, on the principal components of train.

    With z the features and V the first eigenvectors of their covariance in train, ``s = Vᵀ z / sqrt(λ)``.

    Args:
        width: components that are kept, at most; never more than one for 25 training trajectories, because a flow that
            is conditioned on more of them is too sure of itself.
    """

    def __init__(self, width: int = WIDTH) -> None:
        self.width = width

    def fit(self, tokens: Tokens, trajectory: np.ndarray) -> Self:
        """From windows of train ``(windows, N, D)`` and the trajectory of each.

        Args:
            tokens: windows of train, ``(windows, N, D)``.
            trajectory: of each window.
        """
        self._moments = StandardMoments().fit(tokens)
        z = self._means(tokens, trajectory)
        self._mean = z.mean(0)
        values, vectors = torch.linalg.eigh((z - self._mean).T @ (z - self._mean) / len(z))
        kept = [k for k in reversed(range(len(values))) if values[k] > 1e-6 * values[-1]][
            : max(1, min(self.width, len(z) // 25))
        ]
        self._basis = vectors[:, kept] / values[kept].sqrt()
        return self

    def __call__(self, tokens: Tokens, trajectory: np.ndarray) -> Tensor:
        """With shape ``(trajectories, width)``, float32, sorted by the number of the trajectory."""
        return ((self._means(tokens, trajectory) - self._mean) @ self._basis).float()

    def _means(self, tokens: Tokens, trajectory: np.ndarray) -> Tensor:
        return torch.from_numpy(cluster_means(self._moments(tokens).numpy(), trajectory)[0])

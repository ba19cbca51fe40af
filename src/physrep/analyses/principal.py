"""Principal components: the one decomposition that analyses use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

LARGE = 600
"""Smaller side of a matrix from which on the components are found by random projection."""


@dataclass
class Principal:
    """Mean ``(D,)`` and orthonormal axes ``(D, k)``, by falling variance."""

    mean: np.ndarray
    axes: np.ndarray

    def project(self, frames: np.ndarray) -> np.ndarray:
        """Coordinates ``(..., k)`` of embeddings ``(..., D)``."""
        return (np.asarray(frames, np.float64) - self.mean) @ self.axes


def principal(frames: np.ndarray, components: int) -> Principal:
    """The leading components of embeddings ``(..., D)``.

    Exactly from the smaller of the two Gram matrices, or, where that is large, by random projection with four power
    iterations (Halko, Martinsson, Tropp, "Finding structure with randomness", 2011), with a fixed seed. Directions
    without variance (below 1e-10 of the largest) are left out, so there may be fewer than ``components``.
    """
    flat = np.asarray(frames, np.float64).reshape(-1, frames.shape[-1])
    mean = flat.mean(0)
    x = flat - mean
    if min(x.shape) > LARGE and components < LARGE // 2:
        return _projected(mean, x, components)
    wide = x.shape[1] > x.shape[0]
    values, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components]
    kept = values > 1e-10 * max(values[0], 1e-300)
    # A constant embedding has no direction at all; one arbitrary axis keeps every shape valid.
    kept[0] = True
    axes = x.T @ vectors[:, kept] if wide else vectors[:, kept]
    return Principal(mean, axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-300))


def _projected(mean: np.ndarray, x: np.ndarray, components: int) -> Principal:
    from sklearn.utils.extmath import randomized_svd

    # Its annotations call integers strings.
    iterations: Any = 4
    _, values, axes = randomized_svd(x, components, n_iter=iterations, random_state=0)
    kept = np.square(values) > 1e-10 * max(float(values[0]) ** 2, 1e-300)
    kept[0] = True
    return Principal(mean, axes[kept].T)

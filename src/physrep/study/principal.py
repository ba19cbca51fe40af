"""Principal components of frame embeddings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Principal:
    """Mean ``(D,)`` and orthonormal axes ``(D, k)``, by falling variance."""

    mean: np.ndarray
    axes: np.ndarray

    def project(self, frames: np.ndarray) -> np.ndarray:
        """Coordinates ``(..., k)`` of embeddings ``(..., D)``."""
        return (np.asarray(frames, np.float64) - self.mean) @ self.axes


def principal(frames: np.ndarray, components: int) -> Principal:
    """The leading components of embeddings ``(..., D)``, exactly, from the smaller of the two Gram matrices.

    Directions without variance (below 1e-10 of the largest) are left out, so there may be fewer than ``components``.
    """
    flat = np.asarray(frames, np.float64).reshape(-1, frames.shape[-1])
    mean = flat.mean(0)
    x = flat - mean
    wide = x.shape[1] > x.shape[0]
    values, vectors = np.linalg.eigh(x @ x.T if wide else x.T @ x)
    values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components]
    kept = values > 1e-10 * max(values[0], 1e-300)
    # A constant embedding has no direction at all; one arbitrary axis keeps every shape valid.
    kept[0] = True
    axes = x.T @ vectors[:, kept] if wide else vectors[:, kept]
    return Principal(mean, axes / np.maximum(np.linalg.norm(axes, axis=0), 1e-300))

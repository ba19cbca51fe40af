"""Least squares for a few coefficients per window, batched."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SINGULAR = 1e-10
"""Directions with less than this share of the largest eigenvalue of the normalised Gram matrix are not determined by
the window; their part of the solution is 0."""


def least_squares(columns: Sequence[Tensor], target: Tensor) -> Tensor:
    """Coefficients a that minimise ``Σ_k (y_k - Σ_p a_p X_kp)²``, for every window by itself.

    Args:
        columns: X, one tensor ``(B, K)`` per coefficient.
        target: y with shape ``(B, K)``.

    Returns:
        float64 with shape ``(B, P)``; 0 for a coefficient whose column vanishes.
    """
    x = torch.stack(list(columns), 2).double()
    norm = x.square().sum(1).sqrt()
    safe = torch.where(norm > 0, norm, torch.ones_like(norm))
    # Columns of unit length: coefficients differ by orders of magnitude, and P is at most a few.
    unit = x / safe[:, None]
    inverse = torch.linalg.pinv(unit.transpose(1, 2) @ unit, rtol=SINGULAR, hermitian=True)
    solution = inverse @ (unit.transpose(1, 2) @ target.double()[..., None])
    return solution[..., 0] / safe

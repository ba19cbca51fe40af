r"""What a ridge regression predicts of every row without having seen its trajectory, in closed form.

A regression that is linear in its targets, ``ŷ = H y``, has without the rows F of a trajectory the residuals
``y_F - ŷ_F^(-F) = (1 - H_FF)⁻¹ (y_F - ŷ_F)``, so that no fit has to be repeated. What is taken from the rows beside the
weights (mean and scale of the features, mean of the target, centres of a kernel) stays that of all rows: one trajectory
of n changes it by 1/n.

Source: Cook and Weisberg, "Residuals and Influence in Regression", 1982, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .shifted import gram, smallest_shift


def left_out(x: Tensor, y: Tensor, penalties: Sequence[float], trajectory: np.ndarray) -> Tensor:
    """Predictions of ``min_w mean |y - x w|² + penalty |w|²``, each row's by the other trajectories; ``(n, P)``.

    Args:
        x: features ``(n, F)``, standardised, float64.
        y: targets ``(n, P)``; their mean is the offset.
        penalties: one per target.
        trajectory: of every row.
    """
    square = gram(x) if x.shape[1] <= len(x) else gram(x.T)
    own = [np.flatnonzero(trajectory == number) for number in np.unique(trajectory)]
    found = torch.empty_like(y)
    for penalty in set(penalties):
        columns = [p for p, each in enumerate(penalties) if each == penalty]
        found[:, columns] = _with_penalty(x, square, y[:, columns], penalty, own)
    return found


def _with_penalty(x: Tensor, square: Tensor, y: Tensor, penalty: float, own: Sequence[np.ndarray]) -> Tensor:
    """`left_out` of targets that share a penalty; ``square`` is ``xᵀ x``, or ``x xᵀ`` of fewer rows than features."""
    shift = max(len(x) * penalty, smallest_shift(square))
    factor = torch.linalg.cholesky(square + shift * torch.eye(len(square)).to(square))
    centred = torch.cat([y - y.mean(0), torch.ones_like(y[:, :1])], 1)
    # H = J + K (1 - J), with J = 1/n everywhere and K the regression without an offset; inner are blocks of 1 - K.
    if x.shape[1] <= len(x):
        root = torch.linalg.solve_triangular(factor, x.T, upper=False).T.contiguous()
        missed = centred - root @ (root.T @ centred)
        inner = [torch.eye(len(rows)).to(y) - root[rows] @ root[rows].T for rows in own]
    else:
        beyond = shift * torch.cholesky_inverse(factor)
        missed, inner = beyond @ centred, [beyond[np.ix_(rows, rows)] for rows in own]
    residual, shared = missed[:, :-1], missed[:, -1:] / len(x)
    found = torch.empty_like(y)
    for rows, block in zip(own, inner, strict=True):
        found[rows] = y[rows] - torch.linalg.solve(block - shared[rows], residual[rows])
    return found

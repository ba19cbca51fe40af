"""Ridge regression on the mean and standard deviation of the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from .base import Probe, Tokens, check_pair
from .moments import StandardMoments

PENALTIES = tuple(10.0 ** (k / 2) for k in range(-16, 9))


class RidgeProbe(Probe):
    """``min_w mean_n |y - X w|^2 + penalty |w|^2`` on standardised features, in closed form and float64.

    The penalty is chosen for each parameter by its squared error on valid.

    Args:
        penalties: grid of penalties, per sample and in units of the standardised features.
    """

    def __init__(self, penalties: tuple[float, ...] = PENALTIES) -> None:
        self.penalties = tuple(penalties)

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        self._features = StandardMoments().fit(tokens)
        x = self._features(tokens)
        target, target_valid = labels.double(), labels_valid.double()
        self._offset = target.mean(dim=0)
        path = ridge_path(x, target - self._offset, self.penalties)
        errors = (self._features(tokens_valid) @ path + self._offset - target_valid).square().mean(dim=1)
        best = errors.argmin(dim=0)
        columns = torch.arange(target.shape[1])
        self._weights = path[best, :, columns].T
        self.choice = {
            "penalty": [self.penalties[k] for k in best.tolist()],
            "valid_mse": errors[best, columns].tolist(),
            "penalty_at_edge": ((best == 0) | (best == len(self.penalties) - 1)).tolist(),
        }
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        return (self._features(tokens) @ self._weights + self._offset).float()


def ridge_path(x: Tensor, target: Tensor, penalties: Sequence[float]) -> Tensor:
    """Minimisers w of ``mean_n |y - X w|^2 + penalty |w|^2`` for a grid of penalties.

    One eigendecomposition serves the whole grid: with ``X = U S V^T`` over n rows,
    ``w = V (S^2 + n penalty)^-1 V^T X^T y``.

    Args:
        x, target: float64 ``(n, F)`` and ``(n, P)``; nothing is centred here.
        penalties: of the grid, per sample.

    Returns:
        Weights with shape ``(penalties, F, P)``.
    """
    if len(x) >= x.shape[1]:
        square, basis = torch.linalg.eigh(x.T @ x)
        square = square.clamp(min=0)
    else:
        _, singular, transposed = torch.linalg.svd(x, full_matrices=False)
        square, basis = singular**2, transposed.T
    filters = 1.0 / (square[None, :] + len(x) * torch.tensor(penalties, dtype=torch.float64)[:, None])
    return basis @ (filters[:, :, None] * (basis.T @ (x.T @ target)))

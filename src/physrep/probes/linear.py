"""Ridge regression on the mean and standard deviation of the tokens."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from ..errors import PhysrepError
from .base import Probe, Tokens, batches, check_pair, check_tokens

PENALTIES = tuple(10.0 ** (k / 2) for k in range(-16, 9))


def token_moments(tokens: Tokens, batch_size: int = 256) -> Tensor:
    """Mean and standard deviation over the tokens of each window, with shape ``(windows, 2 D)``, float64.

    A window of one token has no spread: its features are the token itself, with shape ``(windows, D)``.
    """
    check_tokens(tokens)
    parts = []
    for batch in batches(tokens, batch_size):
        if batch.shape[1] == 1:
            parts.append(batch[:, 0].double())
        else:
            std, mean = torch.std_mean(batch.double(), dim=1, correction=0)
            parts.append(torch.cat([mean, std], dim=1))
    return torch.cat(parts)


class RidgeProbe(Probe):
    """``min_w mean_n |y - X w|^2 + penalty |w|^2`` on standardised features, in closed form and float64.

    One eigendecomposition serves the whole grid of penalties: with ``X = U S V^T`` over n training windows,
    ``w = V (S^2 + n penalty)^-1 V^T X^T y``. The penalty is chosen for each parameter by its squared error on valid.

    Args:
        penalties: grid of penalties, per sample and in units of the standardised features.
    """

    def __init__(self, penalties: tuple[float, ...] = PENALTIES) -> None:
        self.penalties = tuple(penalties)

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        features = token_moments(tokens)
        std, self._mean = torch.std_mean(features, dim=0, correction=0)
        # A feature that is constant up to float32 rounding carries nothing; its centred values must not be blown up.
        self._std = torch.where(std > 1e-6 * self._mean.abs(), std, torch.inf)
        x = self._standardise(features)
        target, target_valid = labels.double(), labels_valid.double()
        self._offset = target.mean(dim=0)
        projection = x.T @ (target - self._offset)
        if len(x) >= x.shape[1]:
            square, basis = torch.linalg.eigh(x.T @ x)
            square = square.clamp(min=0)
        else:
            _, singular, transposed = torch.linalg.svd(x, full_matrices=False)
            square, basis = singular**2, transposed.T
        grid = torch.tensor(self.penalties, dtype=torch.float64)
        filters = 1.0 / (square[None, :] + len(x) * grid[:, None])
        coefficients = filters[:, :, None] * (basis.T @ projection)
        x_valid = self._standardise(token_moments(tokens_valid))
        errors = ((x_valid @ basis) @ coefficients + self._offset - target_valid).square().mean(dim=1)
        best = errors.argmin(dim=0)
        columns = torch.arange(target.shape[1])
        self._weights = basis @ coefficients[best, :, columns].T
        self.choice = {
            "penalty": grid[best].tolist(),
            "valid_mse": errors[best, columns].tolist(),
            "penalty_at_edge": ((best == 0) | (best == len(grid) - 1)).tolist(),
        }
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        features = token_moments(tokens)
        if features.shape[1] != len(self._mean):
            raise PhysrepError(f"tokens give {features.shape[1]} features; this probe was fitted on {len(self._mean)}.")
        return (self._standardise(features) @ self._weights + self._offset).float()

    def _standardise(self, features: Tensor) -> Tensor:
        return (features - self._mean) / self._std

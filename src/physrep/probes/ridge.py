"""Ridge regression along its penalty, in closed form, and the probe that reads pooled tokens with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..renamed import takes_former_names
from .base import Probe, Tokens, check_pair
from .moments import check_width, token_moments
from .standardise import Standardiser
from .valid_grid import ValidGrid

PENALTIES = tuple(10.0 ** (k / 2) for k in range(-16, 9))
"""Penalties of the probe: valid windows are many, so that hardly any shrinkage may be right."""

STRONG_PENALTIES = tuple(10.0 ** (k / 2) for k in range(-8, 11))
"""Penalties for few samples of many features."""


class RidgePath:
    """All solutions of ``min_w mean_n |y - x w|^2 + penalty |w|^2``; one eigendecomposition serves every penalty.

    With n rows of F features, ``w = V (S^2 + n penalty)^-1 V^T x^T y`` in the eigenvectors V of ``x^T x``, or, where
    there are fewer rows than features, ``w = x^T U (S^2 + n penalty)^-1 U^T y`` in those of ``x x^T``.

    Args:
        x: features with shape ``(n, F)``, standardised.
        y: targets with shape ``(n, P)``; their mean is the offset.
    """

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.offset, self.n = y.mean(dim=0), len(x)
        self.rows = x if len(x) < x.shape[1] else None
        square, self.basis = torch.linalg.eigh(x.T @ x if self.rows is None else x @ x.T)
        self.square = square.clamp(min=0)
        centred = y - self.offset
        self.projected = self.basis.T @ (x.T @ centred if self.rows is None else centred)

    def predict(self, x: Tensor, alphas: Sequence[float]) -> Tensor:
        """Of every penalty, with shape ``(len(alphas), rows of x, P)``."""
        rotated = (x if self.rows is None else x @ self.rows.T) @ self.basis
        return self._of_each(rotated, alphas) + self.offset

    def weights(self, penalty: Tensor) -> Tensor:
        """With shape ``(F, P)``, for one penalty per target ``(P,)``."""
        inner = self.basis @ self._shrunk(penalty)
        return inner if self.rows is None else self.rows.T @ inner

    def along(self, alphas: Sequence[float]) -> Tensor:
        """Weights of every penalty, with shape ``(len(alphas), F, P)``."""
        inner = self._of_each(self.basis, alphas)
        return inner if self.rows is None else self.rows.T @ inner

    def _of_each(self, matrix: Tensor, alphas: Sequence[float]) -> Tensor:
        """A matrix times the shrunk projection of every penalty: one product, which reads the matrix once."""
        penalty = torch.tensor(list(alphas), dtype=torch.float64).to(self.square)
        shrunk = self.projected[:, None] / (self.square[:, None] + self.n * penalty)[:, :, None]
        return (matrix @ shrunk.flatten(1)).unflatten(1, (len(penalty), -1)).movedim(1, 0)

    def left_out(self, x: Tensor, y: Tensor, penalty: float, trajectory: np.ndarray) -> Tensor:
        r"""Of every row by a fit without its trajectory, ``(n,)``.

        A regression that is linear in its targets, ``ŷ = H y``, has without the rows F of a trajectory the residuals
        ``y_F - ŷ_F^(-F) = (1 - H_FF)⁻¹ (y_F - ŷ_F)``, so that no fit has to be repeated. What is taken from the rows
        beside the weights (mean and scale of the features, mean of the target, centres of a kernel) stays that of all
        rows: one trajectory of n changes it by 1/n.

        Source: Cook and Weisberg, "Residuals and Influence in Regression", 1982, section 3.

        Args:
            x: the rows that the path was made of.
            y: one of its targets, ``(n,)``; float64.
            penalty: its penalty.
            trajectory: of every row.
        """
        shrunk, column = 1 / (self.square + self.n * penalty), y[:, None]
        offset = column.mean(0)
        rotated, weights = (x @ self.basis, shrunk) if self.rows is None else (self.basis, self.square * shrunk)
        residual = column - offset - rotated @ (weights[:, None] * (rotated.T @ (column - offset)))
        # H = J + K (1 - J), with J = 1/n everywhere and K the regression without an offset.
        shared = (1 - rotated @ (weights * rotated.sum(0))) / self.n
        found = torch.empty_like(column)
        for number in np.unique(trajectory):
            rows = np.flatnonzero(trajectory == number)
            hat = (rotated[rows] * weights) @ rotated[rows].T + shared[rows, None]
            found[rows] = column[rows] - torch.linalg.solve(torch.eye(len(rows)).to(hat) - hat, residual[rows])
        return found[:, 0]

    def _shrunk(self, penalty: Tensor) -> Tensor:
        return self.projected / (self.square[:, None] + self.n * penalty.to(self.square))


@takes_former_names
class Ridge:
    """Ridge regression on standardised features, its penalty chosen for each target by squared error on other rows.

    Untuned, 1000 features on 40 samples interpolate the training set, and a comparison of encoders is one of their
    dimensions.

    Args:
        alphas: grid of penalties, per sample and in units of the standardised features.
        common: all features share one scale (`Standardiser`).

    Attributes:
        penalty: chosen for each target, with shape ``(P,)``.
        errors: mean squared errors by which it was chosen, with shape ``(len(alphas), P)``.
    """

    def __init__(self, alphas: Sequence[float] = PENALTIES, common: bool = False) -> None:
        self.alphas, self.common = tuple(alphas), common

    def fit(self, x: Tensor, y: Tensor, x_valid: Tensor, y_valid: Tensor) -> Self:
        """Choose on valid; features ``(n, F)`` and targets ``(n, P)``; computed in float64.

        Args:
            x: features of train.
            y: targets of train.
            x_valid: features of valid.
            y_valid: targets of valid, on which the penalty is chosen.
        """
        self.fit_predicting(x, y, x_valid, y_valid)
        return self

    def fit_predicting(self, x: Tensor, y: Tensor, x_valid: Tensor, y_valid: Tensor) -> Tensor:
        """`fit`, and what every penalty predicts of valid, with shape ``(len(alphas), windows, P)``."""
        x, y, x_valid, y_valid = (part.double() for part in (x, y, x_valid, y_valid))
        self.scaled = Standardiser(self.common).fit(x)
        path = RidgePath(self.scaled(x), y)
        predicted = path.predict(self.scaled(x_valid), self.alphas)
        self.errors = (predicted - y_valid).square().mean(dim=1)
        self._solve(path)
        return predicted

    def fit_grouped(self, x: np.ndarray, y: np.ndarray, groups: np.ndarray, folds: int = 4, seed: int = 0) -> Self:
        """Choose by cross-validation inside the rows: the inner loop of a nested one.

        Args:
            x: with shape ``(n, F)``.
            y: with shape ``(n, P)``.
            groups: trajectory of each row; a trajectory is never on both sides of a fold.
            folds: parts of the cross-validation.
            seed: of the folds.
        """
        features, targets = (torch.as_tensor(np.asarray(part, np.float64)) for part in (x, y))
        names, index = np.unique(groups, return_inverse=True)
        fold = torch.from_numpy((np.random.default_rng(seed).permutation(len(names)) % folds)[index])
        self.errors = torch.zeros(len(self.alphas), targets.shape[1], dtype=torch.float64)
        for k in range(min(folds, len(names))):
            inside = fold != k
            scaled = Standardiser(self.common).fit(features[inside])
            path = RidgePath(scaled(features[inside]), targets[inside])
            predicted = path.predict(scaled(features[~inside]), self.alphas)
            self.errors += (predicted - targets[~inside]).square().sum(dim=1) / len(features)
        self.scaled = Standardiser(self.common).fit(features)
        return self._solve(RidgePath(self.scaled(features), targets))

    def _solve(self, path: RidgePath) -> Self:
        self.best = self.errors.argmin(dim=0)
        self.penalty = torch.tensor(self.alphas, dtype=torch.float64)[self.best]
        self.weights, self.offset = path.weights(self.penalty), path.offset
        return self

    @property
    def coef_(self) -> Tensor:
        """Coefficients of the features as they are given, with shape ``(P, F)``."""
        return (self.weights / self.scaled.scale[:, None]).T

    @property
    def intercept_(self) -> Tensor:
        """With shape ``(P,)``."""
        return self.offset - self.coef_ @ self.scaled.mean

    def predict(self, x: Tensor) -> Tensor:
        """With shape ``(n, P)``; gradients flow through to the features."""
        return self.scaled(x) @ self.weights + self.offset

    def predict_array(self, x: np.ndarray) -> np.ndarray:
        """`predict` of NumPy arrays."""
        return self.predict(torch.from_numpy(np.asarray(x, np.float64))).numpy()


@takes_former_names
class RidgeProbe(Probe):
    """`Ridge` on the mean and standard deviation of the tokens, its penalty chosen for each parameter on valid.

    Args:
        alphas: grid of penalties, per sample and in units of the standardised features.
    """

    def __init__(self, alphas: tuple[float, ...] = PENALTIES) -> None:
        self.alphas = tuple(alphas)

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        self._ridge = fitted = Ridge(self.alphas)
        predicted = fitted.fit_predicting(token_moments(tokens), labels, token_moments(tokens_valid), labels_valid)
        self.valid_grid_ = ValidGrid.of_each(predicted, labels_valid.double())
        self.best_params_ = {
            "penalty": fitted.penalty.tolist(),
            "valid_mse": fitted.errors.amin(dim=0).tolist(),
            "penalty_at_edge": ((fitted.best == 0) | (fitted.best == len(self.alphas) - 1)).tolist(),
        }
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        moments = token_moments(tokens)
        check_width(moments, self._ridge.scaled)
        return self._ridge.predict(moments).float()

    def predict_left_out(self, tokens: Tokens, labels: Tensor, trajectory: np.ndarray) -> Tensor:
        x, y = self._ridge.scaled(token_moments(tokens)), labels.double()
        path, penalties = RidgePath(x, y), self.best_params_["penalty"]
        return torch.stack([path.left_out(x, y[:, p], a, trajectory) for p, a in enumerate(penalties)], 1)

    @property
    def coef_(self) -> Tensor:
        """Coefficients of `physrep.probes.moments.token_moments`, with shape ``(P, F)``."""
        return self._ridge.coef_

    @property
    def intercept_(self) -> Tensor:
        """With shape ``(P,)``."""
        return self._ridge.intercept_

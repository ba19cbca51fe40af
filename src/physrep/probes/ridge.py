"""Ridge regression along its penalty, in closed form, and the probe that reads pooled tokens with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..renamed import takes_former_names
from .base import Probe, Tokens, check_pair
from .left_out import left_out
from .moments import check_width, token_moments
from .shifted import ShiftedSystems, gram
from .standardise import Standardiser
from .valid_grid import ValidGrid

PENALTIES = tuple(10.0 ** (k / 2) for k in range(-16, 9))
"""Penalties of the probe: valid windows are many, so that hardly any shrinkage may be right."""

STRONG_PENALTIES = tuple(10.0 ** (k / 2) for k in range(-8, 11))
"""Penalties for few samples of many features."""


class RidgePath:
    """All solutions of ``min_w mean_n |y - x w|^2 + penalty |w|^2``; one reduction to a band serves every penalty.

    With n rows of F features, ``w = (x^T x + n penalty)^-1 x^T y``, or, where there are fewer rows than features,
    ``w = x^T (x x^T + n penalty)^-1 y``. A penalty below the rounding error of the matrix is raised to it.

    Args:
        x: features with shape ``(n, F)``, standardised.
        y: targets with shape ``(n, P)``; their mean is the offset.
    """

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.offset, self.n = y.mean(dim=0), len(x)
        self.rows = x if len(x) < x.shape[1] else None
        centred = y - self.offset
        self._right = x.T @ centred if self.rows is None else centred
        self._systems = ShiftedSystems(gram(x if self.rows is None else x.T))

    def predict(self, x: Tensor, alphas: Sequence[float]) -> Tensor:
        """Of every penalty, with shape ``(len(alphas), rows of x, P)``."""
        weights = self.along(alphas)
        # One product, which reads x once.
        predicted = x @ weights.movedim(1, 0).flatten(1)
        return predicted.unflatten(1, (len(weights), -1)).movedim(1, 0) + self.offset

    def weights(self, penalty: Tensor) -> Tensor:
        """With shape ``(F, P)``, for one penalty per target ``(P,)``."""
        each, index = penalty.expand(self._right.shape[1]).unique(return_inverse=True)
        return self.along(each.tolist())[index, :, torch.arange(len(index))].T

    def along(self, alphas: Sequence[float]) -> Tensor:
        """Weights of every penalty, with shape ``(len(alphas), F, P)``."""
        shifts = self.n * torch.tensor(list(alphas), dtype=torch.float64)
        inner = self._systems.solve(shifts, self._right)
        return inner if self.rows is None else self.rows.T @ inner


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
        return left_out(x, y, self.best_params_["penalty"], trajectory)

    @property
    def coef_(self) -> Tensor:
        """Coefficients of `physrep.probes.moments.token_moments`, with shape ``(P, F)``."""
        return self._ridge.coef_

    @property
    def intercept_(self) -> Tensor:
        """With shape ``(P,)``."""
        return self._ridge.intercept_

"""What a metric is: a score of predicted parameters, the same score from sums, its direction and its label."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..errors import PhysrepError


def as_pair(prediction: ArrayLike, target: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Both arguments as float64 arrays with shape ``(N, P)``.

    Raises:
        PhysrepError: the shapes differ, are not two-dimensional, or there is no sample.
    """
    first, second = np.asarray(prediction, np.float64), np.asarray(target, np.float64)
    if first.shape != second.shape or first.ndim != 2 or len(first) == 0:
        raise PhysrepError(
            f"predictions {first.shape} and targets {second.shape} must have the same shape (samples, parameters)."
        )
    return first, second


def score_moments(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Terms of most scores, ``(N, 4, P)`` of pairs ``(N, P)``: 1, squared error, centred target, its square."""
    # R2 does not depend on the origin of the target; centring keeps its sum of squares accurate.
    centred = target - target.mean(axis=0)
    return np.stack([np.ones_like(prediction), (prediction - target) ** 2, centred, centred**2], axis=1)


@dataclass(frozen=True)
class Metric:
    """A score of predicted parameters that is a function of sums over samples, so that a bootstrap can resample them.

    Calling it is calling `function`.

    Attributes:
        name: in the column ``metric`` of tables.
        label: for people, in headings.
        function: ``(prediction, target)`` with shape ``(N, P)`` to one number per parameter, with shape ``(P,)``.
        of_sums: the same score from the sums over samples of `terms`, ``(..., K, P)`` to ``(..., P)``.
        lower_is_better: the direction.
        terms: what is summed, of checked float64 pairs with shape ``(N, P)``, with shape ``(N, K, P)``.
        limits: the smallest and the largest value that a score can have; intervals end there.
    """

    name: str
    label: str
    function: Callable[[ArrayLike, ArrayLike], np.ndarray]
    of_sums: Callable[[np.ndarray], np.ndarray]
    lower_is_better: bool
    terms: Callable[[np.ndarray, np.ndarray], np.ndarray] = score_moments
    limits: tuple[float, float] = (-math.inf, math.inf)

    def __call__(self, prediction: ArrayLike, target: ArrayLike) -> np.ndarray:
        """The score of each parameter, with shape ``(P,)``."""
        return self.function(prediction, target)

    def with_mean(self, sums: np.ndarray) -> np.ndarray:
        """From sums ``(..., K, P)`` to the score of each parameter and, last, their mean, ``(..., P + 1)``."""
        # Of a parameter that none of the samples knows, the score is NaN.
        with np.errstate(divide="ignore", invalid="ignore"):
            each = self.of_sums(sums)
        return np.concatenate([each, each.mean(axis=-1, keepdims=True)], axis=-1)

"""Scores of predicted parameters, one number per parameter."""

from __future__ import annotations

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


def mse(prediction: ArrayLike, target: ArrayLike) -> np.ndarray:
    """Mean squared error ``mean_n (prediction - target)^2`` of each parameter.

    Args:
        prediction, target: z-scored parameters with shape ``(N, P)``. With targets z-scored on the training split the
            constant prediction 0 scores about 1.

    Returns:
        Array with shape ``(P,)``.
    """
    first, second = as_pair(prediction, target)
    return np.mean((first - second) ** 2, axis=0)


def r2(prediction: ArrayLike, target: ArrayLike) -> np.ndarray:
    """Coefficient of determination ``1 - sum (prediction - target)^2 / sum (target - mean target)^2`` per parameter.

    The mean is that of the given targets. A parameter whose targets are all equal has no R2: the result is NaN.

    Args:
        prediction, target: arrays with shape ``(N, P)``.

    Returns:
        Array with shape ``(P,)``.
    """
    first, second = as_pair(prediction, target)
    spread = np.sum((second - second.mean(axis=0)) ** 2, axis=0)
    error = np.sum((first - second) ** 2, axis=0)
    return 1.0 - np.divide(error, spread, out=np.full_like(error, np.nan), where=spread > 0)

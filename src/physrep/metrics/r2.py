"""Coefficient of determination."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .metric import Metric, as_pair


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


def _of_sums(sums: np.ndarray) -> np.ndarray:
    count, error, total, square = (sums[..., k, :] for k in range(4))
    spread = square - total**2 / count
    # A resample may hold one value of a parameter only; what rounding leaves of its spread is no spread.
    spread = np.where(spread > 1e-12 * square, spread, np.nan)
    return 1.0 - error / spread


R2 = Metric("r2", "R²", r2, _of_sums, lower_is_better=False, limits=(-math.inf, 1.0))

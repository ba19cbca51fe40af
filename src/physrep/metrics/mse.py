"""Mean squared error."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from .metric import Metric, as_pair


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


def _of_sums(sums: np.ndarray) -> np.ndarray:
    return sums[..., 1, :] / sums[..., 0, :]


MSE = Metric("mse", "MSE", mse, _of_sums, lower_is_better=True, limits=(0.0, math.inf))

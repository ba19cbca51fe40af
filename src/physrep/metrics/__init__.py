"""Pure functions that turn predictions and tokens into numbers.

`METRICS` holds scores ``(prediction, target) -> one number per parameter``; `COLLAPSE` holds measures of a set of
tokens, ``(tokens) -> one number``. Adding one is one function with a hand-computed test and one line here.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor

from .collapse import channel_std, effective_rank, participation_ratio
from .over_seeds import bootstrap_over_seeds, paired_difference_over_seeds
from .regression import mse, r2
from .uncertainty import Difference, Interval, bootstrap, cluster_means, paired_difference

METRICS: dict[str, Callable[[ArrayLike, ArrayLike], np.ndarray]] = {"mse": mse, "r2": r2}
COLLAPSE: dict[str, Callable[[Tensor], Any]] = {
    "channel_std": lambda tokens: float(channel_std(tokens).mean()),
    "effective_rank": effective_rank,
    "participation_ratio": participation_ratio,
}

__all__ = [
    "COLLAPSE",
    "METRICS",
    "Difference",
    "Interval",
    "bootstrap",
    "bootstrap_over_seeds",
    "channel_std",
    "cluster_means",
    "effective_rank",
    "mse",
    "paired_difference",
    "paired_difference_over_seeds",
    "participation_ratio",
    "r2",
]

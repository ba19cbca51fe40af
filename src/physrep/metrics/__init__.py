"""Pure functions that turn predictions and tokens into numbers.

`METRICS` holds scores of predicted parameters, each one object of one file; `COLLAPSE` holds measures of a set of
tokens, ``(tokens) -> one number``. Adding one is its file, with a hand-computed test, and one line here.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ..registry import Registry
from .collapse import channel_std, effective_rank, participation_ratio
from .metric import Metric
from .mse import MSE, mse
from .over_seeds import bootstrap_over_seeds, paired_difference_over_seeds
from .r2 import R2, r2
from .uncertainty import Difference, Interval, bootstrap, cluster_means, paired_difference

OWN: tuple[Metric, ...] = (
    MSE,
    R2,
)
METRICS: Registry[Metric] = Registry("physrep.metrics", {metric.name: metric for metric in OWN})
"""Scores by name; plugins add theirs as entry points of the group ``physrep.metrics``."""
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
    "Metric",
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

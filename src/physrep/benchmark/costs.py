"""What the training of an entry took."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .directory import Bench
from .entries import Entry


@dataclass(frozen=True)
class TrainingCost:
    """What the training of one entry took, the mean over its runs; NaN where it was not recorded.

    Attributes:
        flops: floating-point operations of the training, forward and backward.
        seconds: wall time of the training.
    """

    flops: float
    seconds: float


def training_cost(bench: Bench, entry: Entry) -> TrainingCost:
    """Cost of an entry from the ``summary.json`` of its runs; embedding and probes are not counted."""
    found = {}
    for name in ("flops", "seconds"):
        summaries = [bench.runs[run].summary for run in entry.runs if run in bench.runs]
        values = [float(s[name]) for s in summaries if isinstance(s.get(name), int | float)]
        found[name] = float(np.mean(values)) if values and len(values) == len(entry.runs) else math.nan
    return TrainingCost(**found)

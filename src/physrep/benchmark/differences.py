"""Paired differences between all learners of a benchmark, with Holm's correction."""

from __future__ import annotations

import itertools
import math

import pandas as pd

from ..metrics.holm import holm
from .directory import Bench
from .entries import Entry, headline

MOST, ALPHA = 10, 0.05
"""Entries that are compared with each other, at most, and the chance of any false claim among all pairs."""

RESAMPLES = 2000
"""Of the paired bootstrap; a p-value cannot be told from 0 below two of them."""


def compared(bench: Bench, system: str) -> list[Entry]:
    """The best floor, the learners as far as there is room, and the ceiling, with predictions on disk."""
    top = headline(bench.entries, system)
    own = [entry for entry in bench.entries if entry.system == system and entry.chosen]
    best = sorted((e for e in own if e.kind in ("learner", "finetuned")), key=lambda e: e.score(split="valid").value)
    wanted = [e for e in (top.floor, *best[: MOST - 2], top.ceiling) if e is not None and math.isfinite(e.value)]
    return [entry for entry in own if any(entry is other for other in wanted) and bench.predictions(entry)]


def two_sided(share: float) -> float:
    """p-value of a difference from the share of resamples in which the first is better."""
    return min(1.0, max(2 * min(share, 1 - share), 2 / RESAMPLES))


def difference_rows(bench: Bench, system: str) -> pd.DataFrame:
    """One row per pair: mean MSE of ``a`` minus that of ``b`` on the same test trajectories, with interval, p-value and
    the p-value after Holm's correction for all pairs.

    A p-value is twice the share of paired resamples (of trajectories, and of seeds where there are several) in which
    the difference has the other sign, never below two of them.
    """
    rows = []
    for a, b in itertools.combinations(compared(bench, system), 2):
        found = bench.difference(a, b)
        if found is not None and math.isfinite(float(found.value[-1])):
            value, low, high, share = (float(part[-1]) for part in found)
            rows.append({"system": system, "a": a.title, "b": b.title, "value": value, "ci_low": low, "ci_high": high,
                         "p": two_sided(share), "seeds": min(len(a.runs), len(b.runs))})  # fmt: skip
    frame = pd.DataFrame(rows)
    return frame.assign(p_holm=holm(frame["p"])) if len(frame) else frame

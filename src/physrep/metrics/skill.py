"""Scores that are ratios of sums over simulations, with intervals: skill against a baseline, means, accuracies.

Every simulation contributes one numerator a_i and one denominator b_i. A skill is ``1 - sum a / sum b`` (a the squared
error of a model, b that of a baseline), a mean ``sum a / sum b`` (b the number of values). Simulations are drawn with
replacement, as in `physrep.metrics.uncertainty`, with the same BCa limits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..errors import PhysrepError
from .score import Score
from .uncertainty import bootstrap_of_sums


def skill(error: ArrayLike, baseline: ArrayLike, *, n_resamples: int = 2000, level: float = 0.95) -> Score:
    """``1 - sum error / sum baseline`` of per-simulation sums with shape ``(S,)``; 1 is perfect, 0 no better."""
    return _interval([error, baseline], lambda s: 1 - _ratio(s[..., 0, :], s[..., 1, :]), n_resamples, level)


def skill_difference(
    error_a: ArrayLike, error_b: ArrayLike, baseline: ArrayLike, baseline_b: ArrayLike | None = None, *,
    n_resamples: int = 2000, level: float = 0.95,
) -> Score:  # fmt: skip
    """Skill of A minus skill of B on the same simulations; each against its own baseline, if B's is another one."""
    parts = [error_a, baseline, error_b, baseline if baseline_b is None else baseline_b]

    def score(s: np.ndarray) -> np.ndarray:
        return _ratio(s[..., 2, :], s[..., 3, :]) - _ratio(s[..., 0, :], s[..., 1, :])

    return _interval(parts, score, n_resamples, level)


def mean(values: ArrayLike, counts: ArrayLike | None = None, *, n_resamples: int = 2000, level: float = 0.95) -> Score:
    """``sum values / sum counts``; ``values`` are sums per simulation, ``counts`` how many they sum (default 1)."""
    values = np.asarray(values, np.float64)
    counts = np.ones_like(values) if counts is None else counts
    return _interval([values, counts], lambda s: _ratio(s[..., 0, :], s[..., 1, :]), n_resamples, level)


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.divide(a, b, out=np.full(np.shape(a), np.nan), where=b > 0)


def _interval(
    parts: list[ArrayLike], score: Callable[[np.ndarray], np.ndarray], n_resamples: int, level: float
) -> Score:
    columns = [np.asarray(part, np.float64) for part in parts]
    if columns[0].ndim != 1 or any(column.shape != columns[0].shape for column in columns) or not len(columns[0]):
        raise PhysrepError("sums per simulation must be vectors of one length, with at least one simulation.")
    sums = np.stack(columns, 1)[..., None]
    interval, _ = bootstrap_of_sums(sums, score, n_resamples, level, seed=0)
    return Score(*(float(part[0]) for part in interval))

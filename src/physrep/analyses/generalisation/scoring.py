"""From squared errors per trajectory to rows of the table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...metrics import bootstrap
from ..base import Rows
from .shift import Outcome


def score_rows(outcome: Outcome, names: tuple[str, ...], n_resamples: int, seed: int = 0) -> Rows:
    """One row per parameter and one for their mean.

    Returns:
        Rows with subject, level, parameter, metric, value (MSE under the shift) with its interval, reference (MSE
        without it), ratio = value / reference with the interval of a bootstrap in which both are scored on the same
        resampled trajectories, constant (MSE of a constant prediction) and n_trajectories.
    """
    error, reference = outcome.error, outcome.reference
    count = len(error)
    # The mean square of the root of an error is the mean error: the same interval as that of any other score.
    interval = bootstrap(np.sqrt(error), np.zeros_like(error), np.arange(count), n_resamples=n_resamples, seed=seed)
    ratio, low, high = ratio_interval(error, reference, n_resamples, seed)
    without, constant = with_mean(reference.mean(0)), with_mean(outcome.constant.mean(0))
    return [
        {
            "subject": outcome.subject,
            "level": outcome.level,
            "parameter": name,
            "metric": "mse",
            **interval.cells(k),
            "reference": float(without[k]),
            "ratio": float(ratio[k]),
            "ratio_low": float(low[k]),
            "ratio_high": float(high[k]),
            "constant": float(constant[k]),
            "n_trajectories": count,
        }
        for k, name in enumerate((*names, "mean"))
    ]


LEVEL = 0.95
"""Probability content of intervals."""


def with_mean(values: np.ndarray) -> np.ndarray:
    """Values with shape ``(..., P)`` and behind them their mean over parameters."""
    return np.concatenate([values, values.mean(-1, keepdims=True)], -1)


def ratio_interval(error: np.ndarray, reference: np.ndarray, n_resamples: int, seed: int = 0) -> tuple[Any, Any, Any]:
    """Ratio of mean errors, ``mean_g e / mean_g r``, with its percentile interval, over trajectories g.

    Args:
        error, reference: squared errors of the same trajectories, with shape ``(G, P)``.
        n_resamples, seed: of the bootstrap.

    Returns:
        Ratio, low and high with shape ``(P + 1,)``: the parameters, then the ratio of the means over parameters. NaN
        where the reference is 0; no interval for fewer than two trajectories.
    """
    count = len(error)

    def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
        top, bottom = with_mean(top), with_mean(bottom)
        return np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0)

    value = ratio(error.mean(0), reference.mean(0))
    if count < 2:
        return value, np.full_like(value, np.nan), np.full_like(value, np.nan)
    weights = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=n_resamples)
    drawn = ratio(weights @ error / count, weights @ reference / count)
    low, high = np.nanquantile(np.where(np.isnan(value), 0.0, drawn), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    nothing = np.isnan(value)
    return value, np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)

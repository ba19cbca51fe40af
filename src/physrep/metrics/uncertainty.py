"""Intervals and comparisons by a bootstrap over trajectories.

Windows of one trajectory are not independent, so whole trajectories are drawn with replacement. Every `Metric` is a
function of sums over samples; each trajectory is reduced to its sums once, and a resample is a row of integer
weights times these sums. Thousands of resamples are then one matrix product.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..errors import PhysrepError
from ..registry import resolve
from ..renamed import takes_former_names
from .metric import Metric, as_pair


class Interval(NamedTuple):
    """A score with its confidence interval; each entry has shape ``(P + 1,)``: the parameters, then their mean."""

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def cells(self, k: int) -> dict[str, float]:
        """Entry k as columns of a table."""
        return {"value": float(self.value[k]), "ci_low": float(self.low[k]), "ci_high": float(self.high[k])}


class Difference(NamedTuple):
    """Score of A minus score of B on the same trajectories, with interval and probability that A is the better one.

    Each entry has shape ``(P + 1,)``: the parameters, then their mean.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    probability: np.ndarray

    @property
    def interval(self) -> Interval:
        """Without the probability."""
        return Interval(self.value, self.low, self.high)


def cluster_means(values: ArrayLike, cluster: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Average the rows of each cluster.

    Args:
        values: array with shape ``(N, P)``.
        cluster: cluster (trajectory) of each row, with shape ``(N,)``.

    Returns:
        Means with shape ``(G, P)`` and the sorted cluster names with shape ``(G,)``.
    """
    names, index, counts = np.unique(np.asarray(cluster), return_inverse=True, return_counts=True)
    return _cluster_sums(np.asarray(values, np.float64), index, len(names)) / counts[:, None], names


@takes_former_names
def bootstrap(
    prediction: ArrayLike,
    target: ArrayLike,
    cluster: ArrayLike,
    metric: str | Metric = "mse",
    *,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Score with a bias-corrected and accelerated (BCa) bootstrap interval over clusters.

    BCa (Efron 1987) shifts the percentiles by the bias and the skewness of the resampled score, and the level is
    widened from normal to Student quantiles (Hesterberg 2015). Both matter for the few dozen trajectories of a test
    split: with 25 of them the plain percentile interval of an MSE holds the truth in 89% of cases, this one in 92%.

    Args:
        prediction, target: z-scored parameters with shape ``(N, P)``.
        cluster: trajectory of each row, with shape ``(N,)``.
        metric: name in `physrep.metrics.METRICS`, import path, or the metric itself.
        n_resamples: number of bootstrap resamples.
        level: probability content of the interval.
        seed: seed of the resampling.

    Returns:
        Value, low and high; low and high are NaN with fewer than two trajectories.
    """
    score = find_metric(metric)
    sums = sums_of(prediction, target, cluster, score)
    return bootstrap_of_sums(sums, score.with_mean, n_resamples, level, seed)[0]


@takes_former_names
def paired_difference(
    prediction_a: ArrayLike,
    prediction_b: ArrayLike,
    target: ArrayLike,
    cluster: ArrayLike,
    metric: str | Metric = "mse",
    *,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Difference of two predictors' scores on the same samples, both scored on the same resampled trajectories.

    Args:
        prediction_a, prediction_b, target: z-scored parameters with shape ``(N, P)``.
        cluster, metric, n_resamples, level, seed: as in `bootstrap`.

    Returns:
        Score A minus score B, its BCa interval, and the share of resamples in which A is better, which the
        metric says (ties count half).
    """
    score = find_metric(metric)
    both = np.concatenate(
        [sums_of(prediction, target, cluster, score)[:, None] for prediction in (prediction_a, prediction_b)], axis=1
    )

    def difference(sums: np.ndarray) -> np.ndarray:
        return score.with_mean(sums[..., 0, :, :]) - score.with_mean(sums[..., 1, :, :])

    interval, drawn = bootstrap_of_sums(both, difference, n_resamples, level, seed)
    return Difference(*interval, probability_better(drawn, score))


def bootstrap_of_sums(
    sums: np.ndarray, score: Callable[[np.ndarray], np.ndarray], n_resamples: int, level: float, seed: int
) -> tuple[Interval, np.ndarray]:
    """Score of the sums over clusters with its BCa interval, and its values on the resamples.

    Args:
        sums: of each cluster, with shape ``(G, ...)``.
        score: from sums ``(..., *)`` without the axis of clusters to ``(..., K)``.
        n_resamples, level, seed: as in `bootstrap`.

    Returns:
        Entries with shape ``(K,)`` and draws with shape ``(n_resamples, K)``; with fewer than two clusters limits and
        the one draw are NaN.
    """
    total = sums.sum(axis=0)
    value = score(total)
    if len(sums) < 2:
        nan = np.full_like(value, np.nan)
        return Interval(value, nan, nan), nan[None]
    drawn = score(resampled_sums(sums, n_resamples, seed))
    return Interval(value, *bca_interval(value, drawn, score(total - sums), level)), drawn


def probability_better(drawn: np.ndarray, metric: Metric) -> np.ndarray:
    """Share of drawn differences A - B, with shape ``(n_resamples, K)``, in which A is better; ties count half.

    NaN if a draw is, as with a single cluster.
    """
    better = -drawn if metric.lower_is_better else drawn
    share = np.mean(better > 0, axis=0) + 0.5 * np.mean(better == 0, axis=0)
    return np.where(np.isnan(drawn).all(axis=0), np.nan, share)


def _cluster_sums(values: np.ndarray, index: np.ndarray, clusters: int) -> np.ndarray:
    sums = np.zeros((clusters, *values.shape[1:]))
    np.add.at(sums, index, values)
    return sums


def sums_of(prediction: ArrayLike, target: ArrayLike, cluster: ArrayLike, metric: Metric) -> np.ndarray:
    """Sums of the metric's terms per trajectory, with shape ``(G, K, P)``; a target that is NaN adds nothing.

    Raises:
        PhysrepError: predictions, targets and trajectories do not have the same rows.
    """
    first, second = as_pair(prediction, target)
    names, index = np.unique(np.asarray(cluster), return_inverse=True)
    if index.shape != (len(first),):
        raise PhysrepError(f"trajectory ids {index.shape} do not match the {len(first)} predictions; give one per row.")
    unknown = np.isnan(second)
    if not unknown.any():
        return _cluster_sums(metric.terms(first, second), index, len(names))
    # Terms may be centred: the mean of what is known leaves that as it is.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        filled = np.where(unknown, np.nan_to_num(np.nanmean(second, axis=0)), second)
    terms = metric.terms(first, filled)
    return _cluster_sums(np.where(unknown[:, None], 0.0, terms), index, len(names))


def resampled_sums(sums: np.ndarray, n_resamples: int, seed: int) -> np.ndarray:
    """Sums over clusters drawn with replacement, with shape ``(n_resamples, ...)``, of sums with shape ``(G, ...)``."""
    clusters = len(sums)
    weights = np.random.default_rng(seed).multinomial(clusters, np.full(clusters, 1.0 / clusters), size=n_resamples)
    return (weights @ sums.reshape(clusters, -1)).reshape(n_resamples, *sums.shape[1:])


def find_metric(metric: str | Metric) -> Metric:
    """A metric by its name in `physrep.metrics.METRICS`, or by import path.

    Raises:
        PhysrepError: there is none of that name, or the path names something else.
    """
    if isinstance(metric, Metric):
        return metric
    from . import METRICS

    found: object = resolve(metric, METRICS, "metric")
    if not isinstance(found, Metric):
        raise PhysrepError(f"metric {metric!r} is a {type(found).__name__}; name a physrep.metrics.Metric.")
    return found


def bca_interval(
    value: np.ndarray, drawn: np.ndarray, left_out: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """BCa limits per column from ``value`` (K,), ``drawn`` (n_resamples, K) and the jackknife ``left_out`` (G, K)."""
    from scipy.special import stdtrit

    normal = NormalDist()
    clusters = len(left_out)
    quantile = math.sqrt(clusters / (clusters - 1)) * stdtrit(clusters - 1, 0.5 + level / 2)
    low, high = np.full_like(value, np.nan), np.full_like(value, np.nan)
    for k, centre in enumerate(value):
        column = drawn[np.isfinite(drawn[:, k]), k]
        if len(column) == 0 or not np.isfinite(centre):
            continue
        below = np.mean(column < centre) + 0.5 * np.mean(column == centre)
        bias = normal.inv_cdf(min(max(below, 0.5 / len(column)), 1 - 0.5 / len(column)))
        jackknife = left_out[np.isfinite(left_out[:, k]), k]
        shift = jackknife.mean() - jackknife if len(jackknife) else np.zeros(1)
        square = np.sum(shift**2)
        acceleration = np.sum(shift**3) / (6.0 * square**1.5) if square > 0 else 0.0
        tails = []
        for moved in (bias - quantile, bias + quantile):
            tails.append(normal.cdf(bias + moved / max(1.0 - acceleration * moved, 1e-9)))
        low[k], high[k] = np.quantile(column, tails)
    return low, high

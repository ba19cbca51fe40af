"""Scores of a learner over several training seeds: two sources of chance, the trajectories of test and the seeds.

Trajectories and seeds are crossed (every seed is scored on the same trajectories). Resampling both, as a hierarchical
bootstrap does, fails for the three or five seeds that one can afford: of three seeds there are ten different resamples,
and the variance of their mean comes out a third too small. So trajectories are resampled (BCa, of the mean over seeds),
seeds get their Student interval, and the two are joined by the method of variance estimates recovery,

    low = value - sqrt((value - low_T)^2 + (value - low_S)^2),    high likewise,

which keeps the skewness of the first. Source: Zou and Donner, Construction of confidence limits about effect measures:
a general approach, Statistics in Medicine 27 (2008), https://doi.org/10.1002/sim.3095. Crossed resampling: Owen, The
pigeonhole bootstrap, Annals of Applied Statistics 1 (2007), https://doi.org/10.1214/07-AOAS122.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..errors import PhysrepError
from ..renamed import takes_former_names
from .metric import Metric
from .uncertainty import Difference, Interval, bootstrap_of_sums, find_metric, probability_better, sums_of


@takes_former_names
def bootstrap_over_seeds(
    predictions: Sequence[ArrayLike],
    target: ArrayLike,
    cluster: ArrayLike,
    metric: str | Metric = "mse",
    *,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Mean score over seeds, with an interval for another seed-and-trajectory sample of the same size.

    With one seed this is `bootstrap`: how much another seed would change is then not in the interval.

    Args:
        predictions: per seed, z-scored parameters with shape ``(N, P)``, rows as in ``target``.
        target: z-scored parameters with shape ``(N, P)``.
        cluster: trajectory of each row, with shape ``(N,)``.
        metric: name in `physrep.metrics.METRICS`, import path, or the metric itself.
        n_resamples, level, seed: of the bootstrap over trajectories.

    Returns:
        Value, low and high, each with shape ``(P + 1,)``: the parameters, then their mean. The interval ends at the
        metric's `limits`, beyond which there is no score.

    Raises:
        PhysrepError: there is no seed, or predictions and target differ in shape.
    """
    found = find_metric(metric)
    score = found.with_mean
    sums = _stacked(predictions, target, cluster, found)

    def mean_score(part: np.ndarray) -> np.ndarray:
        return score(part).mean(axis=-2)

    interval, _ = bootstrap_of_sums(sums, mean_score, n_resamples, level, seed)
    error, freedom = _seed_error(score(sums.sum(axis=0)))
    value, low, high = _joined(interval, error * _student(np.array(freedom), level))
    # A Student interval knows nothing of where scores end.
    return Interval(value, np.maximum(low, found.limits[0]), np.minimum(high, found.limits[1]))


@takes_former_names
def paired_difference_over_seeds(
    predictions_a: Sequence[ArrayLike],
    predictions_b: Sequence[ArrayLike],
    target: ArrayLike,
    cluster: ArrayLike,
    metric: str | Metric = "mse",
    *,
    n_resamples: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Mean score of A over its seeds minus that of B over its seeds, on the same trajectories.

    Args:
        predictions_a, predictions_b: as in `bootstrap_over_seeds`; the numbers of seeds may differ.
        target, cluster, metric, n_resamples, level, seed: as in `bootstrap_over_seeds`.

    Returns:
        Difference, its interval, and the probability that A is better, which the metric says: the share of draws, each
        the difference on resampled trajectories plus a Student variate of the seeds' standard error.
    """
    found = find_metric(metric)
    sums_a, sums_b = (_stacked(part, target, cluster, found) for part in (predictions_a, predictions_b))
    score, split = found.with_mean, sums_a.shape[1]
    both = np.concatenate([sums_a, sums_b], axis=1)

    def difference(part: np.ndarray) -> np.ndarray:
        scores = score(part)
        return scores[..., :split, :].mean(axis=-2) - scores[..., split:, :].mean(axis=-2)

    interval, drawn = bootstrap_of_sums(both, difference, n_resamples, level, seed)
    scores = score(both.sum(axis=0))
    (error_a, freedom_a), (error_b, freedom_b) = (_seed_error(part) for part in (scores[:split], scores[split:]))
    error, freedom = np.hypot(error_a, error_b), _welch(error_a, freedom_a, error_b, freedom_b)
    rng = np.random.default_rng([seed, 1])
    drawn = drawn + error * rng.standard_t(np.broadcast_to(freedom, drawn.shape))
    joined = _joined(interval, error * _student(freedom, level))
    return Difference(*joined, probability_better(drawn, found))


def _stacked(predictions: Sequence[ArrayLike], target: ArrayLike, cluster: ArrayLike, metric: Metric) -> np.ndarray:
    """Sums with shape ``(G, S, K, P)``."""
    if not len(predictions):
        raise PhysrepError("there are no predictions of any seed; give at least one array.")
    return np.stack([sums_of(one, target, cluster, metric) for one in predictions], axis=1)


def _joined(interval: Interval, half: np.ndarray) -> Interval:
    """The interval over trajectories and the half width over seeds, joined by MOVER."""
    value, low, high = interval
    return Interval(value, value - np.hypot(value - low, half), value + np.hypot(high - value, half))


def _seed_error(scores: np.ndarray) -> tuple[np.ndarray, float]:
    """Standard error of the mean over seeds and its degrees of freedom, from scores with shape ``(S, P + 1)``."""
    seeds = len(scores)
    if seeds < 2:
        return np.zeros(scores.shape[1]), math.inf
    return scores.std(axis=0, ddof=1) / math.sqrt(seeds), seeds - 1.0


def _welch(error_a: np.ndarray, freedom_a: float, error_b: np.ndarray, freedom_b: float) -> np.ndarray:
    """Welch and Satterthwaite's degrees of freedom of a difference; 1e9 where no part has an error."""
    variance = error_a**2 + error_b**2
    spread = error_a**4 / freedom_a + error_b**4 / freedom_b
    return np.divide(variance**2, spread, out=np.full_like(variance, 1e9), where=spread > 0)


def _student(freedom: np.ndarray, level: float) -> np.ndarray:
    from scipy.special import stdtrit

    return stdtrit(freedom, 0.5 + level / 2)

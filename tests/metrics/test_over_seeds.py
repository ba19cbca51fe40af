"""Intervals over seeds and trajectories hold the truth as often as they say; ignoring seeds does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.metrics import (
    bootstrap,
    bootstrap_over_seeds,
    mse,
    paired_difference,
    paired_difference_over_seeds,
    r2,
)

TRAJECTORIES, WINDOWS = 40, 3


def seeds_of(
    rng: np.random.Generator, seeds: int, base: float, spread: float = 0.3
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Predictions whose error variance is ``base`` times a factor of the seed with mean 1, and half shared by seeds."""
    cluster = np.repeat(np.arange(TRAJECTORIES), WINDOWS)
    target = rng.normal(size=(TRAJECTORIES, 2))[cluster]
    shared = rng.normal(size=(TRAJECTORIES, 2))[cluster]
    predictions = []
    for _ in range(seeds):
        own = rng.normal(size=(TRAJECTORIES, 2))[cluster]
        factor = np.exp(spread * rng.normal() - spread**2 / 2)
        predictions.append(target + np.sqrt(base * factor / 2) * (shared + own))
    return predictions, target, cluster


def test_one_seed_is_the_plain_bootstrap() -> None:
    (prediction,), target, cluster = seeds_of(np.random.default_rng(0), 1, 0.3)
    for metric in ("mse", "r2"):
        ours = bootstrap_over_seeds([prediction], target, cluster, metric, n_resamples=300)
        plain = bootstrap(prediction, target, cluster, metric, n_resamples=300)
        for a, b in zip(ours, plain, strict=True):
            np.testing.assert_allclose(a, b)
    other = prediction + 0.1
    ours = paired_difference_over_seeds([prediction], [other], target, cluster, n_resamples=300)
    plain = paired_difference(prediction, other, target, cluster, n_resamples=300)
    for a, b in zip(ours, plain, strict=True):
        np.testing.assert_allclose(a, b)


def test_value_is_the_mean_over_seeds() -> None:
    predictions, target, cluster = seeds_of(np.random.default_rng(1), 4, 0.3)
    for metric, score in (("mse", mse), ("r2", r2)):
        each = np.mean([score(one, target) for one in predictions], axis=0)
        found = bootstrap_over_seeds(predictions, target, cluster, metric, n_resamples=50)
        np.testing.assert_allclose(found.value, [*each, each.mean()])


def test_intervals_end_where_scores_end() -> None:
    """One seed of three is worse by orders of magnitude: the Student interval alone would go below an MSE of 0."""
    rng = np.random.default_rng(5)
    (first,), target, cluster = seeds_of(rng, 1, 1e-6)
    predictions = [first, first, target + 100 * (first - target)]
    errors, fits = (
        bootstrap_over_seeds(predictions, target, cluster, metric, n_resamples=50) for metric in ("mse", "r2")
    )
    assert (errors.low == 0).all() and (errors.high > errors.value).all()
    assert (fits.high == 1).all() and (fits.low < fits.value).all()


def test_coverage_with_three_seeds() -> None:
    # Expected MSE of a new seed on new trajectories: 0.3 for both parameters. A coverage of 0.95 over 300 data sets has
    # a standard error of 0.013.
    rng = np.random.default_rng(2)
    ours, only_trajectories = [], []
    for repeat in range(300):
        predictions, target, cluster = seeds_of(rng, 3, 0.3, spread=0.5)
        found = bootstrap_over_seeds(predictions, target, cluster, n_resamples=300, seed=repeat)
        ours.append((found.low < 0.3) & (found.high > 0.3))
        pooled = bootstrap(
            np.concatenate(predictions), np.tile(target, (3, 1)), np.tile(cluster, 3), n_resamples=300, seed=repeat
        )
        only_trajectories.append((pooled.low < 0.3) & (pooled.high > 0.3))
    coverage = np.mean(ours, axis=0)
    assert (coverage > 0.92).all() and (coverage < 0.995).all(), coverage
    # The reason for all this: an interval over trajectories alone misses the truth often.
    assert (np.mean(only_trajectories, axis=0) < 0.85).all()


def test_equal_learners_are_called_better_half_of_the_time() -> None:
    rng = np.random.default_rng(3)
    probabilities, excluded = [], []
    for repeat in range(200):
        a, target, cluster = seeds_of(rng, 3, 0.3, spread=0.4)
        factors = np.exp(0.4 * rng.normal(size=3) - 0.08)
        errors = rng.normal(size=(3, TRAJECTORIES, 2))[:, cluster] * np.sqrt(0.3 * factors)[:, None, None]
        found = paired_difference_over_seeds(a, list(target + errors), target, cluster, n_resamples=300, seed=repeat)
        probabilities.append(found.probability[-1])
        excluded.append(found.low[-1] > 0 or found.high[-1] < 0)
    assert 0.42 < np.mean(probabilities) < 0.58
    # False alarms: 5 % are promised; the standard error is 1.5 %.
    assert np.mean(excluded) < 0.1


def test_a_clear_difference_is_found() -> None:
    rng = np.random.default_rng(4)
    predictions, target, cluster = seeds_of(rng, 3, 0.1, spread=0.1)
    worse = [target + 3 * (one - target) for one in predictions]
    found = paired_difference_over_seeds(predictions, worse, target, cluster, n_resamples=300)
    assert (found.high < 0).all() and (found.probability > 0.97).all()
    reversed_ = paired_difference_over_seeds(worse, predictions, target, cluster, "r2", n_resamples=300)
    assert (reversed_.high < 0).all() and (reversed_.probability < 0.03).all()


def test_no_seed_is_an_error() -> None:
    with pytest.raises(PhysrepError, match="no predictions of any seed"):
        bootstrap_over_seeds([], np.zeros((2, 1)), [0, 1])


def test_the_table_of_coverage_is_made_by_its_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import score_intervals

    ours, alone = score_intervals.coverage(25, 3, 0.5, 40)
    assert ours > 0.85 > 0.75 > alone
    after, before = score_intervals.false_claims(25, 1, 0.5, 3, count=3)
    assert after > 0.5 and before >= after, "one seed: another training is taken for another learner"

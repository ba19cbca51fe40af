import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.metrics import bootstrap, cluster_means, mse, paired_difference, r2
from physrep.metrics.uncertainty import find_metric, resampled_sums, sums_of


def clustered(rng, clusters, windows=5, parameters=2, within=0.2):
    """Targets of each trajectory, and predictions whose errors are mostly shared by a trajectory's windows."""
    cluster = np.repeat(np.arange(clusters), windows)
    target = rng.normal(size=(clusters, parameters))[cluster]
    error = 0.5 * rng.normal(size=(clusters, parameters))[cluster] + within * rng.normal(size=target.shape)
    return target + error, target, cluster


def test_cluster_means_by_hand():
    means, names = cluster_means([[1.0], [2.0], [4.0]], [7, 3, 7])
    assert names.tolist() == [3, 7]
    assert means.tolist() == [[2.0], [2.5]]


@pytest.mark.parametrize("metric,score", [("mse", mse), ("r2", r2)])
def test_value_is_the_plain_score_and_its_mean(metric, score):
    prediction, target, cluster = clustered(np.random.default_rng(1), 12)
    interval = bootstrap(prediction, target + 1e4, cluster, metric, n_resamples=200)
    expected = score(prediction, target + 1e4)
    assert interval.value == pytest.approx([*expected, expected.mean()])
    assert (interval.low < interval.value).all() and (interval.value < interval.high).all()


def test_resamples_equal_a_loop_over_drawn_trajectories():
    prediction, target, cluster = clustered(np.random.default_rng(2), 8)
    r2_metric = find_metric("r2")
    drawn = r2_metric.with_mean(resampled_sums(sums_of(prediction, target, cluster, r2_metric), 20, seed=3))
    weights = np.random.default_rng(3).multinomial(8, np.full(8, 1 / 8), size=20)
    for row, counts in zip(drawn, weights, strict=True):
        index = np.concatenate([np.tile(np.flatnonzero(cluster == c), n) for c, n in enumerate(counts)])
        assert row[:2] == pytest.approx(r2(prediction[index], target[index]))


def test_same_seed_same_interval():
    data = clustered(np.random.default_rng(3), 10)
    first, again, other = (bootstrap(*data, seed=seed) for seed in (5, 5, 6))
    assert (first.low == again.low).all() and (first.high == again.high).all()
    assert (first.low != other.low).any()


def test_interval_covers_the_true_score():
    # True MSE per parameter: 0.5^2 + 0.2^2. Over 400 data sets the standard error of a coverage of 0.95 is 0.011; with
    # 25 trajectories the bootstrap is known to fall a little short of it.
    rng = np.random.default_rng(4)
    hits = []
    for repeat in range(400):
        interval = bootstrap(*clustered(rng, 25), n_resamples=500, seed=repeat)
        hits.append((interval.low < 0.29) & (interval.high > 0.29))
    coverage = np.mean(hits, axis=0)
    assert (coverage > 0.89).all() and (coverage < 0.985).all(), coverage


def test_interval_ignores_how_many_windows_repeat_a_trajectory():
    # Copies of a window add no information: with them the interval must stay as wide.
    rng = np.random.default_rng(5)
    prediction, target, cluster = clustered(rng, 20, windows=1)
    once = bootstrap(prediction, target, cluster)
    copied = bootstrap(np.repeat(prediction, 9, 0), np.repeat(target, 9, 0), np.repeat(cluster, 9))
    assert copied.low == pytest.approx(once.low) and copied.high == pytest.approx(once.high)


def test_one_trajectory_has_no_interval():
    interval = bootstrap(np.ones((3, 2)), np.zeros((3, 2)), [4, 4, 4])
    assert interval.value.tolist() == [1.0, 1.0, 1.0]
    assert np.isnan(interval.low).all() and np.isnan(interval.high).all()


def test_paired_difference_sees_what_separate_intervals_do_not():
    rng = np.random.default_rng(6)
    prediction, target, cluster = clustered(rng, 20)
    worse = prediction + 0.15 * (prediction - target)
    difference = paired_difference(prediction, worse, target, cluster)
    assert difference.value == pytest.approx(
        np.append(*(lambda d: (d, d.mean()))(mse(prediction, target) - mse(worse, target)))
    )
    assert (difference.high < 0).all() and (difference.probability == 1).all()
    separate = [bootstrap(p, target, cluster) for p in (prediction, worse)]
    assert (separate[0].high > separate[1].low).all()
    assert (paired_difference(prediction, worse, target, cluster, "r2").probability == 1).all()


def test_paired_difference_of_equals_is_even():
    prediction, target, cluster = clustered(np.random.default_rng(7), 10)
    difference = paired_difference(prediction, prediction, target, cluster)
    assert (difference.value == 0).all() and (difference.probability == 0.5).all()
    assert (difference.low == 0).all() and (difference.high == 0).all()


def test_faults_are_named():
    with pytest.raises(PhysrepError, match="one per row"):
        bootstrap(np.zeros((3, 1)), np.zeros((3, 1)), [0, 1])
    with pytest.raises(PhysrepError, match="there is no metric 'mae'; did you mean 'mse'"):
        bootstrap(np.zeros((3, 1)), np.zeros((3, 1)), [0, 1, 2], "mae")

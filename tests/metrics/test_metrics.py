import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.metrics import METRICS, mse, r2


def test_mse_by_hand():
    prediction = [[1.0, 0.0], [3.0, 1.0]]
    target = [[0.0, 0.0], [1.0, -2.0]]
    assert mse(prediction, target).tolist() == [2.5, 4.5]


def test_r2_by_hand():
    # Parameter 1: errors 1, 0, 1, 0 against a spread of 2.25 + 0.25 + 0.25 + 2.25 = 5.
    target = [[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]]
    prediction = [[2.0, 5.0], [2.0, 5.0], [2.0, 5.0], [4.0, 5.0]]
    values = r2(prediction, target)
    assert values[0] == pytest.approx(1 - 2 / 5)
    assert np.isnan(values[1])


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_scores_name_wrong_shapes(metric):
    with pytest.raises(PhysrepError, match="same shape"):
        metric(np.zeros((3, 2)), np.zeros((4, 2)))
    with pytest.raises(PhysrepError, match="same shape"):
        metric(np.zeros((0, 2)), np.zeros((0, 2)))


def test_constant_prediction_of_z_scored_targets_scores_one_and_zero():
    target = np.random.default_rng(0).normal(size=(50, 3))
    target = (target - target.mean(axis=0)) / target.std(axis=0)
    assert mse(np.zeros_like(target), target) == pytest.approx(1)
    assert r2(np.zeros_like(target), target) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_function_and_sums_agree(metric):
    draw = np.random.default_rng(3)
    prediction, target = draw.normal(size=(2, 30, 3)) + 5
    summed = metric.with_mean(metric.terms(prediction, target).sum(axis=0))
    assert summed[:3] == pytest.approx(metric(prediction, target)) and summed[3] == pytest.approx(summed[:3].mean())

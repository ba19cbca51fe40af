"""Scores of classes by hand, intervals that hold the truth, and calibration of planted probabilities."""

from __future__ import annotations

import numpy as np
import pytest

from physrep.metrics.classification import (
    balanced_accuracy,
    calibration_bins,
    confusion,
    macro_f1,
    score_classes,
)


def test_scores_by_hand() -> None:
    target, predicted = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 2, 2])
    counts = confusion(target, predicted, 3)
    assert counts.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    # F1: 4/5, 2/4, 2/3; recall: 2/3, 1/2, 1.
    assert float(macro_f1(counts)) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)
    assert float(balanced_accuracy(counts)) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)


def test_a_class_that_does_not_occur_is_not_averaged() -> None:
    counts = confusion(np.array([0, 1]), np.array([0, 1]), 3)
    assert float(macro_f1(counts)) == 1.0
    wrong = confusion(np.array([0, 1]), np.array([0, 2]), 3)
    assert float(macro_f1(wrong)) == 0.5


def test_interval_over_trajectories_is_wider_than_over_windows() -> None:
    draw = np.random.default_rng(0)
    right = draw.random(60) < 0.7
    target = np.repeat(draw.integers(0, 2, 60), 10)
    predicted = np.where(np.repeat(right, 10), target, 1 - target)
    value, low, high = score_classes(target, predicted, np.repeat(np.arange(60), 10), 2, n_resamples=500)["macro_f1"]
    assert low < value < high
    _, low_each, high_each = score_classes(target, predicted, np.arange(600), 2, n_resamples=500)["macro_f1"]
    assert high - low > 2 * (high_each - low_each)


def test_calibration_of_planted_probabilities() -> None:
    draw = np.random.default_rng(0)
    p = draw.uniform(0.5, 1.0, 20000)
    target = (draw.random(20000) > p).astype(int)
    probability = np.stack([p, 1 - p], 1)
    assert calibration_bins(probability, target)[0] < 0.02
    overconfident = np.stack([np.full(20000, 0.99), np.full(20000, 0.01)], 1)
    error, table = calibration_bins(overconfident, target)
    assert error == pytest.approx(0.99 - (target == 0).mean())
    assert table[:, 0].tolist() == [0] * 9 + [20000]

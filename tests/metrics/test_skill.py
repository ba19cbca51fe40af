"""Ratios of sums over simulations with intervals."""

import numpy as np
import pytest

from physrep.errors import PhysrepError
from physrep.metrics.skill import mean, skill, skill_difference


def test_values_by_hand() -> None:
    assert skill([1.0, 2.0], [4.0, 8.0]).value == pytest.approx(0.75)
    assert skill_difference([1.0, 2.0], [2.0, 4.0], [4.0, 8.0]).value == pytest.approx(0.25)
    assert skill_difference([1.0, 2.0], [2.0, 4.0], [4.0, 8.0], [6.0, 6.0]).value == pytest.approx(0.75 - 0.5)
    assert mean([3.0, 5.0]).value == 4 and mean([3.0, 5.0], [1.0, 3.0]).value == 2
    assert np.isnan(mean([3.0]).low)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(300):
        baseline = generator.gamma(4.0, size=40)
        error = 0.3 * baseline * generator.gamma(8.0, 1 / 8, size=40)
        found = skill(error, baseline, n_resamples=400)
        hits += found.low < 0.7 < found.high
    assert 0.9 < hits / 300 < 0.99


def test_a_paired_difference_is_surer_than_two_intervals() -> None:
    generator = np.random.default_rng(1)
    baseline = generator.gamma(4.0, size=40)
    a = baseline * generator.uniform(0.1, 0.9, 40)
    b = a + 0.02 * baseline
    found = skill_difference(a, b, baseline)
    assert found.low > 0.019 and skill(a, baseline).low < skill(b, baseline).high


def test_other_shapes_are_refused() -> None:
    with pytest.raises(PhysrepError, match="one length"):
        skill([1.0, 2.0], [1.0])

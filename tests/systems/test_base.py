"""Priors, seeds and ranges of the System contract."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems import SYSTEMS, Parameter, trajectory_seed

FLOW = SYSTEMS["shear_flow"]


def uniformity(values: list[float]) -> float:
    """Kolmogorov-Smirnov distance of numbers in [0, 1] from the uniform distribution."""
    n = len(values)
    return max(max(abs(v - i / n), abs(v - (i + 1) / n)) for i, v in enumerate(sorted(values)))


def test_parameter_quantiles():
    log = Parameter("a", "a", 1.0, 100.0)
    linear = Parameter("b", "b", -1.0, 3.0, "linear")
    assert [round(log.draw(u), 9) for u in (0, 0.5, 1)] == [1, 10, 100]
    assert [linear.draw(u) for u in (0, 0.5, 1)] == [-1, 1, 3]
    assert log.draw(0.5, 4, 9) == pytest.approx(6)


def test_draws_are_log_uniform_inside_the_default_range():
    count = 2000
    values = FLOW.draw_parameters(range(count), (64, 128))
    for name, (low, high) in FLOW.default_ranges((64, 128)).items():
        column = values[name]
        assert column.dtype == torch.float64 and low <= column.min() and column.max() <= high
        quantiles = [math.log(v / low) / math.log(high / low) for v in column.tolist()]
        assert uniformity(quantiles) < 1.95 / math.sqrt(count), "p < 0.001"
    logs = torch.stack([column.log() for column in values.values()])
    assert abs(float(torch.corrcoef(logs)[0, 1])) < 0.08


def test_draws_follow_the_seed_alone_and_ranges_override():
    a, b = FLOW.draw_parameters([5, 6, 7], (64, 128)), FLOW.draw_parameters([7], (64, 128))
    assert a["Reynolds"][2] == b["Reynolds"][0] and a["Schmidt"][2] == b["Schmidt"][0]
    narrow = FLOW.draw_parameters(range(50), (64, 128), {"Reynolds": (100, 101)})
    assert narrow["Reynolds"].min() >= 100 and narrow["Reynolds"].max() <= 101
    assert narrow["Schmidt"].max() / narrow["Schmidt"].min() > 3


def test_check_ranges_says_what_is_not_resolved():
    low, high = FLOW.resolved_ranges((64, 128))["Reynolds"]
    assert FLOW.check_ranges((64, 128), {"Reynolds": (low, high), "Schmidt": (0.5, 1.0)}) is None
    sentence = FLOW.check_ranges((64, 128), {"Reynolds": (low, 2 * high)})
    assert sentence and "64x128" in sentence and "Reynolds" in sentence and f"{2 * high:.4g}" in sentence
    assert FLOW.check_ranges((64, 128), {"Schmidt": (1e-3, 1.0)})
    with pytest.raises(PhysrepError, match="empty"):
        FLOW.check_ranges((64, 128), {"Reynolds": (200, 100)})
    with pytest.raises(PhysrepError, match="Rayleigh"):
        FLOW.check_ranges((64, 128), {"Rayleigh": (1, 2)})


def test_trajectory_seeds_are_distinct_and_fixed():
    seeds = {trajectory_seed(seed, "shear_flow", index) for seed in range(20) for index in range(50)}
    assert len(seeds) == 1000 and all(0 <= seed < 2**63 for seed in seeds)
    assert trajectory_seed(0, "shear_flow", 1) == 2278900845795690022  # files made before must stay reproducible

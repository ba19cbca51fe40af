"""Prediction intervals: conformal ones keep their promise, and a sharper encoder has narrower ones."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physrep.analyses.uncertainty import Uncertainty, binomial_interval
from physrep.errors import PhysrepError
from physrep.readout.conformal import conformal_quantile
from tests.helpers.planted_runs import PlantedContext


def test_conformal_quantile_by_hand() -> None:
    scores = np.array([[3.0], [1.0], [2.0], [4.0]])
    assert conformal_quantile(scores, 0.4).tolist() == [2.0]
    assert conformal_quantile(scores, 0.8).tolist() == [4.0]
    assert conformal_quantile(scores, 0.81).tolist() == [math.inf]


def test_conformal_coverage_is_exact_for_any_distribution() -> None:
    # Of n = 19 calibration scores, the interval at 0.9 is the 18th: a new score is below it with probability 18/20.
    rng = np.random.default_rng(0)
    scores, new = rng.exponential(size=(4000, 19)), rng.exponential(size=4000)
    hits = [value <= conformal_quantile(row[:, None], 0.9)[0] for row, value in zip(scores, new, strict=True)]
    assert np.mean(hits) == pytest.approx(0.9, abs=0.015)


def test_planted_uncertainty() -> None:
    context = PlantedContext({"sharp": 0, "blunt": 20}, noise=0.5, train=300, valid=200, test=300)
    rows = Uncertainty(levels=[0.5, 0.9], mlp={"epochs": 10, "hidden": 16, "learning_rates": [3e-3]}).rows(context)
    assert set(rows[0]) == set(Uncertainty.columns)
    found = {(r["title"], r["method"], r["level"]): r for r in rows}
    for title in ("sharp", "blunt"):
        for method in ("conformal", "gaussian_conformal"):
            for level in (0.5, 0.9):
                assert found[title, method, level]["coverage"] == pytest.approx(level, abs=0.08)
        assert found[title, "conformal", 0.9]["width"] > found[title, "conformal", 0.5]["width"]
    # The error of "sharp" is Gaussian with a known deviation: 0.5 / sqrt(1.25) of a label with deviation 1.
    train = context.made["sharp"]["train"]
    deviation = 0.5 / math.sqrt(1.25) / float(train.labels.std())
    assert found["sharp", "conformal", 0.9]["width"] == pytest.approx(2 * 1.645 * deviation, rel=0.15)
    assert found["blunt", "conformal", 0.9]["width"] > found["sharp", "conformal", 0.9]["width"]


def test_wilson_interval() -> None:
    low, high = binomial_interval(9, 10)
    assert (low, high) == pytest.approx((0.596, 0.982), abs=1e-3)


def test_bad_levels() -> None:
    with pytest.raises(PhysrepError, match="uncertainty: levels are"):
        Uncertainty(levels=[1.0])

"""Data-efficiency curves: nested subsets of trajectories, honest labels, planted answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physrep.analyses.efficiency import Efficiency, area, subset, trajectories_until
from physrep.errors import PhysrepError
from tests.helpers.planted_runs import PlantedContext, planted_stores


def test_subsets_are_nested_and_of_whole_trajectories() -> None:
    stores = planted_stores(train=100, valid=40, test=20)
    before: set[int] = set()
    for fraction, count in ((0.05, 5), (0.1, 10), (0.5, 50), (1.0, 100)):
        parts = subset(stores, fraction, [0, 1])
        assert parts is not None
        own = set(parts["train"].trajectory.tolist())
        assert before <= own and len(own) == count
        # Every window of a trajectory that is in, and the labels of valid are cut alike.
        assert len(parts["train"]) == count * 3
        assert parts["valid"].n_trajectories == max(3, round(fraction * 40))
        assert parts["test"] is stores["test"]
        before = own
    first, second = (subset(stores, 0.1, [0, draw]) for draw in (0, 1))
    assert first is not None and second is not None
    assert set(first["train"].trajectory.tolist()) != set(second["train"].trajectory.tolist())
    assert subset(stores, 0.02, [0, 0]) is None


def test_planted_curves() -> None:
    # Tokens that are the parameter need a handful of labels; the parameter hidden among 20 others needs many; noise
    # never gets anywhere.
    context = PlantedContext({"exact": 0, "hidden": 20, "noise": None}, train=200, valid=60, test=60)
    rows = Efficiency(fractions=(0.05, 0.2, 1.0), draws=3).rows(context)
    curve = {
        (title, fraction): np.mean([r["mse"] for r in rows if r["title"] == title and r["fraction"] == fraction])
        for title in ("exact", "hidden", "noise")
        for fraction in (0.05, 0.2, 1.0)
    }
    assert curve["exact", 0.05] < 1e-3
    assert curve["hidden", 0.05] > 2 * curve["hidden", 1.0]
    test = context.made["noise"]["test"]
    constant = float(context.scaler.transform(test.labels, ("nu",)).square().mean())
    assert curve["noise", 1.0] == pytest.approx(constant, rel=0.15) and curve["hidden", 1.0] < 0.3 * constant
    assert {r["draw"] for r in rows if r["fraction"] == 1.0} == {0}
    assert {r["draw"] for r in rows if r["fraction"] == 0.05} == {0, 1, 2}
    assert set(rows[0]) == set(Efficiency.columns)


def test_area_and_crossing_by_hand() -> None:
    assert area([0.01, 0.1, 1.0], [1.0, 0.5, 0.0]) == pytest.approx(0.5)
    assert area([0.1, 1.0], [0.4, 0.4]) == pytest.approx(0.4)
    assert trajectories_until([10, 100, 1000], [1.0, 0.6, 0.2], 0.4) == pytest.approx(10**2.5)
    assert trajectories_until([10, 100], [0.3, 0.2], 0.4) == 10
    assert math.isinf(trajectories_until([10, 100], [1.0, 0.9], 0.4))


@pytest.mark.parametrize("options", [{"fractions": [0.0, 1.0]}, {"fractions": [2.0]}, {"draws": 0}])
def test_bad_options(options: dict[str, object]) -> None:
    with pytest.raises(PhysrepError, match="efficiency: fractions must lie in"):
        Efficiency(**options)  # type: ignore[arg-type]

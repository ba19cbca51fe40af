"""Probes beside their controls: what is there is selective, what is not is not, whatever the probe."""

from __future__ import annotations

import pytest

from physrep.analyses.strength import Strength
from physrep.errors import PhysrepError
from tests.helpers.planted_runs import PlantedContext


def test_planted_and_absent_parameters() -> None:
    context = PlantedContext({"exact": 0, "noise": None}, train=120, valid=60, test=120)
    rows = Strength(probes=["ridge", "knn"], code=["ridge", "knn"]).rows(context)
    assert set(rows[0]) == set(Strength.columns)
    found = {(r["title"], r["probe"], r["quantity"]): r for r in rows if r["parameter"] == "mean"}
    for probe, exact in (("ridge", 1e-3), ("knn", 0.1)):
        assert found["exact", probe, "mse"]["value"] < exact
        assert found["exact", probe, "selectivity"]["ci_low"] > 0.5
        assert found["exact", probe, "bits_saved"]["value"] > 1
        # Shuffled labels help nobody: the interval of the control holds a constant's score or lies above it.
        assert found["exact", probe, "control"]["ci_high"] > 1
        assert found["noise", probe, "selectivity"]["ci_low"] < 0.1
        assert found["noise", probe, "bits_saved"]["value"] < 0.1


def test_a_probe_that_the_benchmark_withheld_is_left_out() -> None:
    # "ridge" is a probe of the benchmark, and there are no predictions of it; "knn" is none of its probes.
    context = PlantedContext({"exact": 0}, predictions=False, train=30, valid=20, test=20)
    assert {row["probe"] for row in Strength(probes=["ridge", "knn"], code=[]).rows(context)} == {"knn"}


def test_unknown_probe() -> None:
    with pytest.raises(PhysrepError, match="no probe 'rigde'; did you mean 'ridge'"):
        Strength(probes=["rigde"])

"""Increments over a floor: found where they are planted, absent where they are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from physrep.analyses.increment import Increment, side_by_side
from physrep.errors import PhysrepError
from tests.helpers.planted_runs import PlantedContext

SIZES = {"train": 150, "valid": 60, "test": 80}


def difference(rows, title):
    found = [r for r in rows if r["title"] == title and r["quantity"] == "difference" and r["parameter"] == "mean"]
    assert len(found) == 1
    return found[0]


def test_what_knows_more_adds_and_what_knows_nothing_does_not():
    context = PlantedContext({"floor": None, "knows": 0, "empty": None}, **SIZES)
    rows = Increment(floor="floor", probes=["ridge"]).rows(context)
    assert all(set(row) == set(Increment.columns) for row in rows)
    knows, empty = difference(rows, "knows"), difference(rows, "empty")
    assert knows["ci_high"] < -0.5 and empty["ci_low"] <= 0.02 and abs(empty["value"]) < 0.1
    joined_score = next(r["value"] for r in rows if r["title"] == "knows" and r["quantity"] == "joined")
    alone = next(r["value"] for r in rows if r["title"] == "knows" and r["quantity"] == "floor")
    assert joined_score - alone == pytest.approx(knows["value"], abs=1e-6)


def test_a_floor_that_knows_all_leaves_nothing_to_add():
    context = PlantedContext({"floor": 0, "same": 0}, **SIZES)
    rows = Increment(floor="floor", probes=["ridge", "kernel_ridge"]).rows(context)
    assert {row["probe"] for row in rows} == {"ridge", "kernel_ridge"}
    assert all(abs(r["value"]) < 0.05 for r in rows if r["quantity"] == "difference")


def test_faults():
    context = PlantedContext({"a": 0, "b": 0}, **SIZES)
    with pytest.raises(PhysrepError, match="no run 'c'; name one of a, b"):
        Increment(floor="c").rows(context)
    with pytest.raises(PhysrepError, match="has no floor"):
        Increment().rows(context)
    with pytest.raises(PhysrepError, match="reads moments"):
        Increment(probes=["attentive"])
    stores = context.made["a"]
    other = {split: replace(store, start=np.asarray(store.start) + 1) for split, store in stores.items()}
    with pytest.raises(PhysrepError, match="other train windows"):
        side_by_side(stores, other)

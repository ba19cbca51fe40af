"""A few tries of every campaign; many of them in the slow suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.robustness.campaigns import campaign

FEW = {"yaml": 15, "commands": 30, "names": 2}
MANY = {"yaml": 2000, "runs": 400, "commands": 700, "options": 500, "names": 100, "servers": 120, "signals": 70}


@pytest.mark.parametrize("name", FEW)
def test_a_few_tries(name: str, tmp_path: Path) -> None:
    assert campaign(name, FEW[name], tmp_path) == []


def test_a_few_damaged_runs_lying_servers_and_odd_options(tmp_path: Path) -> None:
    # In one folder: what is damaged, and served, takes longest to make.
    assert [fault for name in ("runs", "servers", "options") for fault in campaign(name, 5, tmp_path)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_many_tries(name: str, tmp_path: Path) -> None:
    assert campaign(name, MANY[name], tmp_path) == []

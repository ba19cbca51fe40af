"""A few tries of every campaign; many of them in the slow suite."""

from __future__ import annotations

import pytest

from tests.robustness.campaigns import campaign

FEW = {"yaml": 20, "runs": 6, "commands": 30}
MANY = {"yaml": 2000, "runs": 300, "commands": 700, "signals": 70}


@pytest.mark.parametrize("name", FEW)
def test_a_few_tries(name: str) -> None:
    assert campaign(name, FEW[name]) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", MANY)
def test_many_tries(name: str) -> None:
    assert campaign(name, MANY[name]) == []

"""A few commands in unusual surroundings; `python tests/robustness/environments.py 200` tries many."""

from __future__ import annotations

import pytest

from tests.robustness.environments import run

CHEAP = ("SLURM, a task of four", "no HOME", "ASCII", "no stdout", "head", "umask 027", "deleted working folder")
CHEAP = (*CHEAP, "hostile modules", "TMPDIR nowhere", "64 files", "read-only data", "signals ignored")


@pytest.mark.parametrize(
    ("count", "only", "kinds"),
    [(3, ("list", "convert"), CHEAP), pytest.param(300, (), (), marks=pytest.mark.slow)],
)
def test_unusual_surroundings_change_nothing_or_are_told(count: int, only: tuple[str, ...], kinds: tuple[str, ...]):
    done, lost = run(count, seed=3, only=only, kinds=kinds)
    assert lost == [] and done == count

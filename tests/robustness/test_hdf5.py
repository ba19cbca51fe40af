"""The campaign against HDF5 in small; `python tests/robustness/hdf5.py 2000` is the large one."""

from __future__ import annotations

import pytest

from tests.robustness.hdf5 import run


@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.slow)])
def test_no_damaged_file_ends_in_a_traceback_a_hang_or_a_crash(count: int) -> None:
    outcomes, lost = run(count, seed=1)
    assert lost == [] and sum(outcomes.values()) == count
    assert outcomes["refused in one sentence"] > count // 5

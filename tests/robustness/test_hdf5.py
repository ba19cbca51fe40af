"""The campaign against HDF5 in small; `python tests/robustness/hdf5.py 2000` is the large one."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


def _campaign():
    # Not imported by its name, which is that of a library's parts elsewhere.
    spec = importlib.util.spec_from_file_location("hdf5_campaign", Path(__file__).parent / "hdf5.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hdf5_campaign"] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.slow)])
def test_no_damaged_file_ends_in_a_traceback_a_hang_or_a_crash(count: int) -> None:
    outcomes, lost = _campaign().run(count, seed=1)
    assert lost == [] and sum(outcomes.values()) == count
    assert outcomes["refused in one sentence"] > count // 5

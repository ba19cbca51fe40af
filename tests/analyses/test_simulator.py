"""The solver that rounds of simulation-based inference call."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from physrep.analyses.simulator import Simulator
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.simulation.config import MARK


def test_data_that_are_observed_are_not_mixed_with_simulations_that_are_not(tmp_path: Path) -> None:
    (tmp_path / MARK).write_text("{}")
    context: Any = SimpleNamespace(data=DataConfig(path=str(tmp_path), observation=[{"noise": {"level": 0.1}}]))
    with pytest.raises(PhysrepError, match=r"data\.observation"):
        Simulator(context, tmp_path)

"""An imported run has to work as every other: its tokens are probed for a parameter."""

from __future__ import annotations

from pathlib import Path

import pytest

from physrep.cli.main import main
from physrep.simulation import SimulationConfig, simulate


def assert_is_probed(run: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Simulate a few shear flows in ``folder`` and read the Reynolds number from the tokens of ``run``."""
    given = SimulationConfig(
        trajectories=12, resolution=[16, 32], frames=6, save_dt=0.05, ranges={"Reynolds": [20, 90]},
        splits=[0.5, 0.25, 0.25],
    )  # fmt: skip
    root = simulate("shear_flow", folder, given, workers=1)
    assert main(["probe", str(run), "--data", str(root), "--stride", "2"]) == 0
    assert "Reynolds" in capsys.readouterr().out

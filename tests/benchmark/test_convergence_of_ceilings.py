"""A ceiling that still improves is refused the name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from physrep.benchmark.calibration import calibration, calibration_text, training_end
from physrep.files import write_csv


def _rows(learner: str, probe: str, value: float) -> list[dict[str, Any]]:
    common = {"learner": learner, "probe": probe, "run": f"{learner}-s0", "metric": "mse", "parameter": "mean"}
    return [{**common, "level": "trajectory", "split": split, "value": value} for split in ("valid", "test")]


@pytest.mark.parametrize("column", ["valid_loss", "loss"])
@pytest.mark.parametrize(("last", "converged"), [(0.3, False), (0.495, True)])
def test_a_ceiling_that_still_improves_is_not_accepted(
    tmp_path: Path, column: str, last: float, converged: bool
) -> None:
    losses = [(10 * k, {"step": 10 * k, "loss": 0.5, column: 0.5 if k < 7 else last}) for k in range(1, 11)]
    columns = list(dict.fromkeys(["step", "loss", column]))
    losses = [(step, row if step > 70 else {**row, column: 0.5}) for step, row in losses]
    write_csv(tmp_path / "supervised-s0" / "metrics.csv", columns, [row for _, row in losses])
    assert training_end(tmp_path / "supervised-s0").converged is converged
    rows = _rows("statistics", "ridge", 0.4) + _rows("supervised", "head", 0.1)
    (cell,) = calibration(rows, runs=tmp_path)
    assert cell["accepted"] is converged
    assert ("is no ceiling" in calibration_text([cell])) is not converged
    (untold,) = calibration(rows)
    assert untold["converged"] is None and untold["accepted"] is True

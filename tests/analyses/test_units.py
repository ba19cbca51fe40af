"""Errors in physical units and in those of the paper, by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from physrep.analyses import Context, FrozenRun
from physrep.analyses.units import Units
from physrep.files import write_json
from physrep.probes import Predictions, save_predictions
from physrep.tokens import LabelScaler

NAMES = ("Reynolds", "Schmidt")


def context(folder: Path, factor: float, offset: float, system: str = "shear_flow") -> Context:
    """A run that always predicts ``factor`` times the Reynolds number, and the Schmidt number plus ``offset``."""
    rng = np.random.default_rng(0)
    true = np.stack([10 ** rng.uniform(2, 4, 50), rng.uniform(1, 3, 50)], 1)
    scaler = LabelScaler.fit(true, NAMES, {"Reynolds": "log", "Schmidt": "linear"})
    guess = np.stack([factor * true[:, 0], true[:, 1] + offset], 1)
    z, z_guess = (scaler.transform(values, NAMES).numpy() for values in (true, guess))
    part = Predictions(NAMES, z_guess, z, guess, true, np.arange(50), np.zeros(50, int))
    save_predictions(folder / "predictions_ridge.npz", {"valid": part, "test": part})
    row = {"level": "trajectory", "parameter": "mean", "split": "valid", "metric": "mse", "value": 0.1}
    write_json(folder / "scores.json", [{**row, "probe": "ridge"}])
    run = FrozenRun("jepa-s0", "jepa", "jepa", "conv3d", 0, "learner", folder)
    nothing = cast(Any, None)
    return Context(system, nothing, {}, scaler, 8, 4, [run], {"ridge": {}}, folder, n_resamples=100)


def test_by_hand(tmp_path: Path) -> None:
    rows = Units().rows(context(tmp_path, 1.25, 0.5))
    assert set(rows[0]) == set(Units.columns)
    found = {(row["parameter"], row["measure"]): row for row in rows}
    assert found["Reynolds", "factor"]["value"] == pytest.approx(1.25)
    assert found["Schmidt", "rmse"]["value"] == pytest.approx(0.5)
    # The paper's constants: log10 Reynolds with deviation 0.61, Schmidt with 3.38.
    assert found["Reynolds", "mse_paper"]["value"] == pytest.approx((np.log10(1.25) / 0.61) ** 2)
    assert found["Schmidt", "mse_paper"]["value"] == pytest.approx((0.5 / 3.38) ** 2, rel=1e-5)
    mean = (found["Reynolds", "mse_paper"]["value"] + found["Schmidt", "mse_paper"]["value"]) / 2
    assert found["mean", "mse_paper"]["value"] == pytest.approx(mean)
    # What a constant would score: the spread of the labels.
    assert found["Schmidt", "rmse"]["constant"] == pytest.approx(0.577, abs=0.08)


def test_a_system_without_paper_constants(tmp_path: Path) -> None:
    rows = Units().rows(context(tmp_path, 1.0, 0.0, "heat"))
    assert {row["measure"] for row in rows} == {"factor", "rmse"}
    assert rows[0]["value"] == pytest.approx(1.0) and rows[1]["value"] == pytest.approx(0.0, abs=1e-12)

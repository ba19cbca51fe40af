"""Several seeds of one run become one row with an interval over both, and the page shows that row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from physrep.benchmark.directory import read_over_seeds
from physrep.benchmark.entries import make_entries
from physrep.benchmark.grid import PlannedRun
from physrep.benchmark.seeds import over_seeds, write_over_seeds
from physrep.probes import Predictions, save_predictions
from physrep.training.config import TrainingConfig


def run_of(seed: int, folder: Path, error: float) -> tuple[PlannedRun, list[dict[str, object]]]:
    rng = np.random.default_rng(seed)
    trajectory = np.repeat(np.arange(20), 2)
    target = np.random.default_rng(99).normal(size=(20, 1))[trajectory]
    prediction = target + error * rng.normal(size=(20, 1))[trajectory]
    part = Predictions(("nu",), prediction, target, prediction, target, trajectory, np.tile([0, 4], 20))
    run = PlannedRun(f"jepa-s{seed}", "jepa", "conv3d", seed, {}, TrainingConfig(), True, {"ridge": {}})
    (folder / run.name).mkdir(parents=True)
    save_predictions(folder / run.name / "predictions_ridge.npz", {"valid": part, "test": part})
    value = float(np.mean((prediction - target) ** 2))
    row = {"system": "heat", "learner": "jepa", "encoder": "conv3d", "probe": "ridge", "level": "trajectory",
           "parameter": "mean", "split": "test", "metric": "mse", "value": value, "ci_low": value - 0.01,
           "ci_high": value + 0.01, "seed": seed, "run": run.name}  # fmt: skip
    return run, [row]


def test_seeds_are_joined(tmp_path: Path) -> None:
    made = [run_of(seed, tmp_path / "runs", error) for seed, error in enumerate((0.3, 0.5, 0.8))]
    runs, rows = zip(*made, strict=True)
    table = over_seeds(list(runs), "heat", tmp_path / "runs", n_resamples=200)
    write_over_seeds(tmp_path / "over_seeds.csv", table)
    single = [row for part in rows for row in part]
    (entry,) = make_entries(single, None, read_over_seeds(tmp_path))
    values = [float(row["value"]) for row in single]
    assert entry.value == pytest.approx(np.mean(values))
    # Seeds that differ this much make the interval wider than any single seed's.
    half = 4.303 * np.std(values, ddof=1) / np.sqrt(3)
    score = entry.score()
    assert score.high - score.value > half
    assert score.low == 0 and score.value < half, "no mean squared error is below 0"
    assert {row["n_seeds"] for row in table} == {3} and {row["n_trajectories"] for row in table} == {20}


def test_one_seed_needs_no_table(tmp_path: Path) -> None:
    run, _ = run_of(0, tmp_path / "runs", 0.3)
    (tmp_path / "over_seeds.csv").write_text("of an earlier configuration\n")
    write_over_seeds(tmp_path / "over_seeds.csv", over_seeds([run], "heat", tmp_path / "runs"))
    assert not (tmp_path / "over_seeds.csv").exists()

"""A synthetic benchmark directory, written file by file as the benchmark runner leaves it."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from physrep.files import write_yaml
from physrep.probes.fit import split_scores
from physrep.probes.predictions import Predictions, save_predictions

NAMES = ("Reynolds", "Schmidt")
LIMITS = {"Reynolds": (100.0, 1000.0, "log", "Re"), "Schmidt": (0.2, 5.0, "log", "Sc")}
LEARNERS = {
    "constant": ("floor", {"ridge": 1.0}),
    "pixels": ("floor", {"ridge": 0.85, "attentive": 0.9}),
    "statistics": ("floor", {"ridge": 0.42}),
    "random": ("floor", {"ridge": 0.5, "attentive": 0.46}),
    "jepa": ("learner", {"ridge": 0.26, "attentive": 0.3}),
    "supervised": ("ceiling", {"head": 0.12, "ridge": 0.14}),
}
"""Learner to kind and wanted mean MSE by probe."""


def predictions(mse: float, count: int = 40, windows: int = 3, seed: int = 0) -> Predictions:
    """Predictions of ``count`` trajectories whose error per trajectory has about the given mean square."""
    draw = np.random.default_rng(1)
    low, high = (np.log10([LIMITS[name][k] for name in NAMES]) for k in (0, 1))
    logs = np.repeat(low + draw.random((count, 2)) * (high - low), windows, axis=0)
    mean, std = (low + high) / 2, (high - low) / np.sqrt(12)
    target = (logs - mean) / std
    noise = np.random.default_rng(seed + 10).standard_normal((count, 2))
    noise /= np.sqrt((noise**2).mean(0))
    if mse >= 1:
        prediction = np.zeros_like(target)
    else:
        prediction = (1 - mse) * target + np.sqrt(mse * (1 - mse)) * np.repeat(noise, windows, axis=0)
        prediction = prediction + 0.1 * np.random.default_rng(seed + 20).standard_normal(target.shape)
    trajectory = np.repeat(np.arange(count), windows)
    start = np.tile(np.arange(windows) * 4, count)
    return Predictions(NAMES, prediction, target, 10 ** (prediction * std + mean), 10**logs, trajectory, start)


def write_bench(
    folder: Path,
    learners: dict[str, tuple[str, dict[str, float]]] = LEARNERS,
    seeds: Sequence[int] = (0,),
    optional: bool = True,
    fields: np.ndarray | None = None,
) -> Path:
    """Write a benchmark directory; without ``optional`` only ``results.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for learner, (kind, probes) in learners.items():
        for seed in seeds:
            run = f"shear_flow-{learner}-{seed}"
            trained = kind != "floor"
            for probe, mse in probes.items():
                splits = {
                    "valid": predictions(mse * 1.02, 20, seed=seed + len(learner)),
                    "test": predictions(mse, seed=seed + len(learner)),
                }
                common = {"system": "shear_flow", "learner": learner, "encoder": "convnext3d" if trained else ""}
                for split, part in splits.items():
                    more = {"probe": probe, "split": split, "n_train_trajectories": 128, "seed": seed, "run": run}
                    rows += [{**common, **more, **row} for row in split_scores(part, n_resamples=200)]
                if optional:
                    save_predictions(folder / "runs" / run / f"predictions_{probe}.npz", splits)
            if optional:
                _write_run(folder / "runs" / run, learner, kind, seed)
    write_csv(folder / "results.csv", rows)
    if optional:
        _write_rest(folder, fields)
    return folder


def write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Rows with the columns of the first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read_csv(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def _write_run(folder: Path, learner: str, kind: str, seed: int) -> None:
    trained = kind != "floor"
    summary = {"learner": learner, "encoder": "convnext3d" if trained or learner == "random" else "", "seed": seed,
               "parameters": 1_234_567 if trained else 0, "clips_seen": 24_000 if trained else 0,
               "seconds": 181.4 if trained else 1.2, "kind": kind}  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(json.dumps(summary))
    if not trained:
        return
    draw, rows = np.random.default_rng(seed), []
    for k in range(120):
        decay = np.exp(-k / 30)
        row: dict[str, Any] = dict.fromkeys(
            ("step", "epoch", "lr", "loss", "sim", "std", "cov", "std_x", "feature_std", "feature_std_pooled",
             "effective_rank", "probe_mse", "probe_mse_Reynolds", "probe_mse_Schmidt", "valid_loss"), "")  # fmt: skip
        row |= {"step": 10 * k, "epoch": k // 30, "lr": 1e-3 * decay, "loss": 2 + 20 * decay + 0.3 * draw.random()}
        if learner == "jepa":
            row |= {"sim": 0.3 + 0.3 * decay, "std": 0.05 + 0.5 * decay, "cov": 0.1 + 0.4 * decay, "std_x": 0.1}
            row |= {"feature_std": 1 - 0.6 * decay, "feature_std_pooled": 0.6 - 0.4 * decay}
            if k % 10 == 9:
                row |= {"effective_rank": 30 - 25 * decay, "probe_mse": 0.3 + 0.6 * decay,
                        "probe_mse_Reynolds": 0.25 + 0.6 * decay, "probe_mse_Schmidt": 0.35 + 0.6 * decay}  # fmt: skip
        else:
            row |= {"loss": 0.1 + 0.9 * decay, "valid_loss": 0.14 + 0.8 * decay if k % 10 == 9 else ""}
        rows.append(row)
    write_csv(folder / "metrics.csv", rows)


def _write_rest(folder: Path, fields: np.ndarray | None) -> None:
    write_yaml(folder / "config.yaml", {"system": "shear_flow", "data": {"resolution": [32, 64], "frames": 16}})
    parameters = [
        {"name": name, "symbol": symbol, "low": low, "high": high, "scale": scale, "unit": "1"}
        for name, (low, high, scale, symbol) in LIMITS.items()
    ]
    data = {"system": "shear_flow", "equations": "∂ₜu + (u·∇)u = -∇p + ν ∇²u        ∇·u = 0", "frames": 16,
            "trajectories": {"train": 128, "valid": 20, "test": 40}, "resolution": [32, 64], "dt": 0.25,
            "parameters": parameters, "initial_condition": "random solenoidal fields", "seconds": 31.0}  # fmt: skip
    (folder / "data_summary.json").write_text(json.dumps(data))
    environment = {"physrep": "0.1.0", "date": "2026-03-01", "cpu": "2 cores", "versions": {"torch": "2.13.0"}}
    (folder / "environment.json").write_text(json.dumps(environment))
    if fields is None:
        x, y = np.meshgrid(np.linspace(0, 6.28, 32), np.linspace(0, 6.28, 64), indexing="ij")
        waves = [[np.sin(c * x + k * y + t / 4) + (c == 0) * 2 for t in range(16)] for k in (1, 2, 3) for c in range(4)]
        fields = np.array(waves, dtype=np.float32).reshape(3, 4, 16, 32, 64)
    np.savez(folder / "samples.npz", fields=fields, channels=["tracer", "pressure", "velocity_x", "velocity_y"],
             parameters=np.array([[120.0, 0.5], [400.0, 1.0], [900.0, 4.0]]), parameter_names=NAMES)  # fmt: skip

"""Small finished studies with planted errors, for what works on several of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from physrep.files import write_json
from physrep.probes.fit import split_scores
from physrep.probes.predictions import Predictions, save_predictions
from tests.helpers.bench_directory import write_csv

Runs = Mapping[str, tuple[str, str, str, Mapping[int, float]]]
"""Title to learner, encoder, kind, and wanted MSE by seed."""


def planted(mse: float, count: int, seed: int, data_seed: int, scale: float = 1.0) -> Predictions:
    """Predictions of ``count`` trajectories, two windows each, whose errors have exactly this mean square."""
    target = np.random.default_rng(100 + data_seed).standard_normal((count, 2))
    noise = np.random.default_rng(seed).standard_normal((count, 2))
    prediction = target + noise * np.sqrt(mse / (noise**2).mean())
    rows = np.repeat(np.arange(count), 2)
    physical = 3 + target
    return Predictions(("alpha", "zeta_0"), prediction[rows] * scale, target[rows] * scale, 3 + prediction[rows],
                       physical[rows], rows, np.tile([0, 4], count))  # fmt: skip


def write_study(
    folder: Path, system: str, runs: Runs, count: int = 60, data_seed: int = 0, keep_predictions: bool = True,
    scale: float = 1.0, resolution: tuple[int, int] = (16, 32),
) -> Path:  # fmt: skip
    """Write a study; its test labels are those of ``data_seed``."""
    rows = []
    for k, (title, (learner, encoder, kind, errors)) in enumerate(runs.items()):
        for seed, mse in errors.items():
            run = f"{title}-s{seed}"
            part = planted(mse, count, 10 * k + seed, data_seed, scale)
            splits = {"valid": part, "test": part}
            common = {"system": system, "learner": learner, "encoder": encoder, "probe": "ridge"}
            for split, predictions in splits.items():
                more = {"split": split, "n_train_trajectories": 9, "seed": seed, "run": run}
                rows += [{**common, **more, **row} for row in split_scores(predictions, n_resamples=50)]
            place = folder / "runs" / run
            if keep_predictions:
                save_predictions(place / "predictions_ridge.npz", splits)
            trained = kind != "floor"
            write_json(place / "summary.json", {"learner": learner, "encoder": encoder, "kind": kind, "seed": seed,
                                                "seconds": 60.0 * (k + 1) if trained else 0.0,
                                                **({"flops": 1e12 * (k + 1)} if trained else {})})  # fmt: skip
    write_csv(folder / "results.csv", rows)
    data = {"system": system, "resolution": resolution, "channels": ["u"], "frames": 8, "dt": 0.1,
            "trajectories": {"test": count},
            "parameters": [{"name": "alpha", "scale": "linear"}, {"name": "zeta_0", "scale": "linear"}]}  # fmt: skip
    (folder / "data_summary.json").write_text(json.dumps(data))
    return folder

"""What the seeds of one run say together: the table over_seeds.csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_csv
from ..metrics import bootstrap_over_seeds, cluster_means
from ..metrics.uncertainty import find_metric
from ..probes import Predictions, load_predictions
from ..probes.fit import SCORES
from .grid import PlannedRun

COLUMNS = (
    "system", "learner", "encoder", "title", "probe", "level", "parameter", "split", "metric", "value", "ci_low",
    "ci_high", "n_seeds", "n_trajectories",
)  # fmt: skip
"""Columns of over_seeds.csv."""


def over_seeds(
    grid: list[PlannedRun], system: str, runs: Path, n_resamples: int = 2000, metrics: Sequence[str] = SCORES
) -> list[dict[str, Any]]:
    """Mean scores over the seeds of each run and probe, with `bootstrap_over_seeds` intervals.

    Args:
        grid: all runs; those with one seed are left out, since their rows of results.csv say the same.
        system: name of the system.
        runs: folder of the run directories.
        n_resamples: of the bootstrap over trajectories.
        metrics: names in `physrep.metrics.METRICS`, or import paths.
    """
    groups: dict[str, list[PlannedRun]] = {}
    for run in grid:
        groups.setdefault(run.name.removesuffix(f"-s{run.seed}"), []).append(run)
    rows: list[dict[str, Any]] = []
    for title, seeds in groups.items():
        if len(seeds) < 2:
            continue
        first = seeds[0]
        common = {"system": system, "learner": first.learner, "encoder": first.encoder, "title": title}
        for path in sorted((runs / first.name).glob("predictions_*.npz")):
            files = [runs / run.name / path.name for run in seeds]
            if not all(file.is_file() for file in files):
                continue
            loaded = [load_predictions(file) for file in files]
            for split in loaded[0]:
                probe = path.stem.removeprefix("predictions_")
                parts = [one[split] for one in loaded]
                rows += [
                    {**common, "probe": probe, "split": split, **row} for row in _rows(parts, n_resamples, metrics)
                ]
    return rows


def _rows(parts: list[Predictions], n_resamples: int, metrics: Sequence[str]) -> list[dict[str, Any]]:
    first = parts[0]
    target, names = cluster_means(first.target, first.trajectory)
    levels = {
        "window": ([part.prediction for part in parts], first.target, first.trajectory),
        "trajectory": ([cluster_means(part.prediction, part.trajectory)[0] for part in parts], target, names),
    }
    rows = []
    for level, (predictions, true, trajectory) in levels.items():
        for metric in map(find_metric, metrics):
            found = bootstrap_over_seeds(predictions, true, trajectory, metric, n_resamples=n_resamples)
            for k, parameter in enumerate((*first.parameter_names, "mean")):
                value, low, high = (float(np.asarray(part)[k]) for part in found)
                rows.append(
                    {
                        "level": level, "parameter": parameter, "metric": metric.name, "value": value, "ci_low": low,
                        "ci_high": high, "n_seeds": len(parts), "n_trajectories": len(names),
                    }
                )  # fmt: skip
    return rows


def write_over_seeds(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write over_seeds.csv, or nothing if no run has several seeds."""
    if not rows:
        path.unlink(missing_ok=True)
        return
    write_csv(path, COLUMNS, rows)

"""The numbers behind every figure of the page, as ``figures/NAME.csv``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..benchmark.directory import Bench
from ..benchmark.entries import headline
from ..files import write_csv
from ..metrics import cluster_means
from .cost import cost_of
from .curves import panel_of, shown_runs

SCORES = ("system", "kind", "label", "learner", "encoder", "probe", "chosen", "parameter", "metric", "value", "ci_low",
          "ci_high")  # fmt: skip
COST = ("system", "kind", "label", "learner", "encoder", "probe", "mse", "ci_low", "ci_high", "flops", "seconds")
SCATTER = ("system", "label", "probe", "run", "trajectory", "parameter", "true", "predicted")
CURVES = ("run", "panel", "curve", "step", "value")


def write_figure_data(bench: Bench) -> list[str]:
    """Write ``scores.csv``, ``cost.csv``, ``scatter.csv`` and ``curves.csv`` into ``figures``; empty ones are left out.

    All scores are per trajectory on test. ``scatter.csv`` has physical units, the first run of each entry, and the mean
    of the predictions of a trajectory's windows (of the logarithm where the parameter is logarithmic), as drawn.

    Returns:
        Names of the files.
    """
    tables = {
        "scores": (SCORES, _scores(bench)),
        "cost": (COST, _costs(bench)),
        "scatter": (SCATTER, [row for system in bench.systems for row in _scatter(bench, system)]),
        "curves": (CURVES, _curves(bench)),
    }
    written = []
    for name, (columns, rows) in tables.items():
        path = bench.folder / "figures" / f"{name}.csv"
        if rows:
            write_csv(path, columns, rows)
            written.append(path.name)
        else:
            path.unlink(missing_ok=True)
    return written


def _scores(bench: Bench) -> list[dict[str, Any]]:
    rows = []
    for entry in bench.entries:
        for (level, split, metric, parameter), score in entry.scores.items():
            if (level, split) == ("trajectory", "test"):
                rows.append({"system": entry.system, "kind": entry.kind, "label": entry.label, "learner": entry.learner,
                             "encoder": entry.encoder, "probe": entry.probe, "chosen": entry.chosen,
                             "parameter": parameter, "metric": metric, "value": score.value, "ci_low": score.low,
                             "ci_high": score.high})  # fmt: skip
    return rows


def _costs(bench: Bench) -> list[dict[str, Any]]:
    rows = []
    for entry in bench.entries:
        cost, score = cost_of(bench, entry), entry.score()
        if entry.chosen and (entry.kind == "floor" or math.isfinite(cost.seconds)):
            rows.append({"system": entry.system, "kind": entry.kind, "label": entry.label, "learner": entry.learner,
                         "encoder": entry.encoder, "probe": entry.probe, "mse": score.value, "ci_low": score.low,
                         "ci_high": score.high, "flops": cost.flops, "seconds": cost.seconds})  # fmt: skip
    return rows


def _scatter(bench: Bench, system: str) -> list[dict[str, Any]]:
    found = headline(bench.entries, system)
    scales = {parameter["name"]: parameter["scale"] for parameter in bench.parameters(system)}
    rows = []
    for entry in (found.floor, found.learner, found.ceiling):
        if entry is None or not (predictions := bench.predictions(entry)):
            continue
        part = predictions[0]
        for k, name in enumerate(part.parameter_names):
            both = np.stack([part.target_physical[:, k], part.prediction_physical[:, k]], axis=1)
            log = scales.get(name) == "log"
            with np.errstate(over="ignore", divide="ignore"):
                means, trajectories = cluster_means(np.log10(both) if log else both, part.trajectory)
                means = 10**means if log else means
            rows += [
                {"system": system, "label": entry.label, "probe": entry.probe, "run": entry.runs[0],
                 "trajectory": int(trajectory), "parameter": name, "true": float(true), "predicted": float(predicted)}
                for trajectory, (true, predicted) in zip(trajectories, means, strict=True)
            ]  # fmt: skip
    return rows


def _curves(bench: Bench) -> list[dict[str, Any]]:
    rows = []
    for run in shown_runs(list(bench.runs.values())):
        for column, (steps, values) in run.curves.items():
            if panel := panel_of(column):
                rows += [
                    {"run": run.name, "panel": panel, "curve": column, "step": float(step), "value": float(value)}
                    for step, value in zip(steps, values, strict=True)
                ]
    return rows

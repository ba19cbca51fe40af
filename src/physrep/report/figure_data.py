"""The numbers behind every figure of the page, as ``figures/NAME.csv``."""

from __future__ import annotations

import math

import pandas as pd

from ..benchmark.costs import training_cost
from ..benchmark.directory import Bench
from ..benchmark.entries import Entry
from ..benchmark.predicted import prediction_rows
from ..files import atomic_path
from .training import panel_of, shown_runs


def write_figure_data(bench: Bench) -> list[str]:
    """Write ``scores.csv``, ``cost.csv``, ``scatter.csv`` and ``curves.csv`` into ``figures``; empty ones are left out.

    All scores are per trajectory on test; ``scatter.csv`` is `prediction_rows`.

    Returns:
        Names of the files.
    """
    tables = {
        "scores": _scores(bench),
        "cost": _costs(bench),
        "scatter": pd.concat([prediction_rows(bench, system) for system in bench.systems]),
        "curves": _curves(bench),
    }
    written = []
    for name, table in tables.items():
        path = bench.folder / "figures" / f"{name}.csv"
        if table.empty:
            path.unlink(missing_ok=True)
            continue
        with atomic_path(path) as temporary:
            table.to_csv(temporary, index=False)
        written.append(path.name)
    return written


def _scores(bench: Bench) -> pd.DataFrame:
    rows = []
    for entry in bench.entries:
        for (level, split, metric, parameter), (value, low, high) in entry.scores.items():
            if (level, split) == ("trajectory", "test"):
                rows.append({**_named(entry), "chosen": entry.chosen, "parameter": parameter, "metric": metric,
                             "value": value, "ci_low": low, "ci_high": high})  # fmt: skip
    return pd.DataFrame(rows)


def _costs(bench: Bench) -> pd.DataFrame:
    rows = []
    for entry in bench.entries:
        cost, (value, low, high) = training_cost(bench, entry), entry.score()
        if entry.chosen and (entry.kind == "floor" or math.isfinite(cost.seconds)):
            rows.append({**_named(entry), "mse": value, "ci_low": low, "ci_high": high, "flops": cost.flops,
                         "seconds": cost.seconds})  # fmt: skip
    return pd.DataFrame(rows)


def _named(entry: Entry) -> dict[str, str]:
    return {name: getattr(entry, name) for name in ("system", "kind", "label", "learner", "encoder", "probe")}


def _curves(bench: Bench) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"run": run.name, "panel": panel, "curve": column, "step": steps, "value": values})
        for run in shown_runs(list(bench.runs.values()))
        for column, (steps, values) in run.curves.items()
        if (panel := panel_of(column))
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

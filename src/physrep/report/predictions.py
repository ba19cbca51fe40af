"""Predicted against true parameters of test trajectories."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..benchmark.directory import Bench
from ..benchmark.entries import Entry
from ..benchmark.predicted import prediction_rows, shown_entries
from ..formats import number
from .draw import Plot, scatter
from .draw.scatter import padded
from .draw.types import Axes


def predictions_plot(bench: Bench, system: str) -> Plot | None:
    """One panel per parameter (rows) and entry (columns); None if no entry has predictions."""
    rows = prediction_rows(bench, system)
    entries = [entry for entry in shown_entries(bench, system) if entry.runs[0] in set(rows["run"])]
    if not entries:
        return None
    panels = []
    for parameter in bench.parameters(system):
        own = rows.loc[rows["parameter"] == parameter["name"]]
        limits = _limits(own["true"].to_numpy(float), own["predicted"].to_numpy(float), parameter["scale"] == "log")
        panels += [
            partial(_draw, rows=own.loc[own["run"] == entry.runs[0]], entry=entry, parameter=parameter, limits=limits)
            for entry in entries
        ]
    return Plot(panels, 2.75, across=len(entries), width=2.87 * len(entries))


def _draw(
    ax: Axes, first: bool, rows: pd.DataFrame, entry: Entry, parameter: dict[str, Any], limits: tuple[float, float]
) -> None:
    log = parameter["scale"] == "log"
    said = [
        f"trajectory {k}: true {number(true)}, predicted {number(predicted)}"
        for k, true, predicted in zip(rows["trajectory"], rows["true"], rows["predicted"], strict=True)
    ]
    frame = rows.rename(columns={"true": "x", "predicted": "y"}).assign(colour=entry.colour, said=said)
    scatter(ax, frame, limits=(limits, limits), log_x=log, log_y=log, diagonal=True)
    name = _with_unit(parameter)
    mse, r2 = (number(entry.score(parameter["name"], metric).value) for metric in ("mse", "r2"))
    ax.text(0.05, 0.95, f"MSE {mse}\nR² {r2}", transform=ax.transAxes, va="top", fontsize=8, linespacing=1.35)
    ax.set(xlabel=f"true {name}", ylabel=f"predicted {name}" if first else "")
    ax.set_title(entry.title, color=entry.colour, fontweight="bold")


def _with_unit(parameter: dict[str, Any]) -> str:
    unit = parameter.get("unit", "1")
    return f"{parameter['name']} ({unit})" if unit not in ("1", "", None) else parameter["name"]


def _limits(true: np.ndarray, predicted: np.ndarray, log: bool) -> tuple[float, float]:
    """Limits that hold all true values and, unless they are far out, all predictions."""
    if log:
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            low, high = _limits(np.log10(true), np.log10(predicted), False)
        return 10**low, 10**high
    low, high = float(true.min()), float(true.max())
    span = high - low or 1.0
    finite = [value for value in predicted.tolist() if math.isfinite(value)]
    ends = max(min([low, *finite]), low - 0.5 * span), min(max([high, *finite]), high + 0.5 * span)
    return padded(*ends, log=False)

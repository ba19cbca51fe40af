"""Predicted against true parameters of test trajectories."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from ..benchmark.directory import Bench
from ..benchmark.entries import Entry, headline
from ..metrics import cluster_means
from .draw import Plot, scatter
from .draw.scatter import padded
from .draw.types import Axes
from .formats import number


def prediction_rows(bench: Bench, system: str) -> pd.DataFrame:
    """Every test trajectory of the best floor, learner and ceiling: true and predicted value in physical units.

    Of the first run of each entry, and the mean of the predictions of a trajectory's windows: of the logarithm where
    the parameter is logarithmic, as the score averages z-scores.
    """
    parts = [pd.DataFrame(columns=["system", "label", "probe", "run", "trajectory", "parameter", "true", "predicted"])]
    scales = {parameter["name"]: parameter["scale"] for parameter in bench.parameters(system)}
    for entry in shown_entries(bench, system):
        if not (predictions := bench.predictions(entry)):
            continue
        part = predictions[0]
        for k, name in enumerate(part.parameter_names):
            both = np.stack([part.target_physical[:, k], part.prediction_physical[:, k]], axis=1)
            log = scales.get(name) == "log"
            with np.errstate(over="ignore", divide="ignore"):
                means, trajectories = cluster_means(np.log10(both) if log else both, part.trajectory)
                means = 10**means if log else means
            named = {"system": system, "label": entry.label, "probe": entry.probe, "run": entry.runs[0]}
            values = {"trajectory": trajectories, "parameter": name, "true": means[:, 0], "predicted": means[:, 1]}
            parts.append(pd.DataFrame({**named, **values}).dropna(subset=["true"]))
    return pd.concat(parts[1:], ignore_index=True) if len(parts) > 1 else parts[0]


def shown_entries(bench: Bench, system: str) -> list[Entry]:
    """Best floor, learner and ceiling, as far as there are any."""
    found = headline(bench.entries, system)
    return [entry for entry in (found.floor, found.learner, found.ceiling) if entry is not None]


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

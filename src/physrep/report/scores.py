"""Scores as rows of dots: every learner with its probes, beside the best floor, the ceiling and a constant."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd

from ..benchmark.directory import Bench
from ..benchmark.entries import Entry, headline
from ..benchmark.names import probe_name
from ..formats import scored
from .draw import Plot, Reference, dots
from .draw.types import Axes


def scores_plot(bench: Bench, system: str) -> Plot:
    """Test MSE of every learner: the mean over parameters and, of up to four, each of them."""
    parameters = [parameter["name"] for parameter in bench.parameters(system)]
    shown = ["mean", *(parameters if 1 < len(parameters) <= 4 else [])]
    rows = len(dot_rows(bench, system)["name"].unique())
    return Plot(
        [partial(draw_scores, bench=bench, system=system, parameter=name) for name in shown],
        0.8 + 0.27 * rows,
        ratios=[2.2, *[1.0] * (len(shown) - 1)] if len(shown) < 4 else None,
        xlabel="test MSE of z-scored parameters, per trajectory",
    )


def dot_rows(bench: Bench, system: str, parameter: str = "mean") -> pd.DataFrame:
    """Rows of `physrep.report.draw.dots`: filled is the probe chosen on valid, hollow are the others."""
    own = [entry for entry in bench.entries if entry.system == system]
    # A row is named by its chosen probe; names may repeat, so the runs tell rows apart.
    names = {(entry.label, *entry.runs): _row_label(entry) for entry in own if entry.chosen}
    order = list(names)
    rows = []
    for entry in sorted(own, key=lambda entry: (order.index((entry.label, *entry.runs)), entry.chosen)):
        score = entry.score(parameter)
        said = f"{_row_label(entry)}: {parameter} MSE {scored(score, 4)}"
        rows.append({"name": names[entry.label, *entry.runs], "colour": entry.colour, "group": entry.kind,
                     "mark": "o" if entry.chosen else "hollow", "said": said, **score._asdict()})  # fmt: skip
    return pd.DataFrame(rows)


def draw_scores(ax: Axes, first: bool, bench: Bench, system: str, parameter: str = "mean") -> None:
    """One panel: a row per learner, and lines for the best floor (its interval shaded), the ceiling and a constant."""
    rows, found = dot_rows(bench, system, parameter), headline(bench.entries, system)
    finite = [value for value in rows["value"] if math.isfinite(value)]
    # One hopeless probe must not squeeze all the others together; it gets an arrow instead.
    limits = (0.0, min(max([1.08, *(1.12 * value for value in finite)]), 1.6))
    # The narrow panels of single parameters have no room for names.
    named = parameter == "mean"
    lines = [Reference(1.0, "constant" if named else "", "#8a8a8a", dashed=True)]
    top = "ceiling" if found.ceiling is not None and found.ceiling.kind == "ceiling" else "not converged"
    for entry, name in ((found.floor, "best floor"), (found.ceiling, top)):
        if entry is not None and math.isfinite(entry.score(parameter).value):
            value, low, high = entry.score(parameter)
            band = (low, high) if name == "best floor" else (math.nan, math.nan)
            lines.append(Reference(value, name if named else "", entry.colour, *band))
    dots(ax, rows, limits=limits, names=first, values=parameter == "mean", references=lines)
    ax.set_title("mean over parameters" if parameter == "mean" else parameter, pad=15)


def _row_label(entry: Entry) -> str:
    plain = entry.probe in ("", "none") or entry.learner == "constant"
    return entry.label if plain else f"{entry.label}, {probe_name(entry.probe)}"

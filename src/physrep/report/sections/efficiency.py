"""Scores against the number of labelled trajectories."""

from __future__ import annotations

import math
from functools import partial

import pandas as pd

from ...analyses.efficiency import area, trajectories_until
from ...benchmark.directory import Bench
from ...benchmark.entries import headline
from ...benchmark.run_lines import Line, lines
from ...formats import number
from ...learners.identity import CEILINGS
from ..draw import Plot, curves
from ..draw.types import Axes
from ..section import Section, Table

REFERENCE = 0.1
"""Share of labels at which the best learner sets the level that others are to reach."""

Curve = tuple[Line, pd.DataFrame]
"""An encoder and, by share of labels, ``x`` (trajectories), ``y`` (mean over draws and seeds), ``low`` and ``high``."""


def efficiency(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """One panel for the mean and one per parameter; the area under each curve; when others reach the best learner."""
    probe = rows[0]["probe"]
    names = list(dict.fromkeys(row["parameter"] for row in rows))
    names = ["mean", *(name for name in names if name != "mean")] if len(names) > 2 else ["mean"]
    groups = lines(rows)
    found = {name: [(line, own) for line in groups if len(own := _curve(line, name, probe))] for name in names}
    styles = {line.name: {"floor": "--", "learner": "-"}.get(line.kind, ":") for line in groups}
    # A diverging small-sample fit must not squeeze everything else.
    high = min(1.6, 1.08 * max(own["high"].to_numpy().max() for _, own in found["mean"]))

    def draw(ax: Axes, first: bool, name: str) -> None:
        frame = pd.concat(
            [own.assign(curve=line.name, colour=line.colour, style=styles[line.name]) for line, own in found[name]]
        )
        curves(ax, frame, limits=(0.0, high), log_x=True, band=True, level=1.0)
        ax.set(title="mean over parameters" if name == "mean" else name, xlabel="labelled trajectories",
               ylabel="test MSE per trajectory" if first else "")  # fmt: skip

    legend = [(line.name, line.colour, styles[line.name]) for line in groups]
    plot = Plot([partial(draw, name=name) for name in names], 2.8, legend=legend, share=True)
    caption = (
        f"Test MSE of the {probe} probe against the number of trajectories with labels, all encoders frozen. Lines are "
        "means over draws and seeds, bands reach from the lowest to the highest of them. Dashed level: a constant. "
        "Encoders of the ceiling (dotted) were trained with all labels, so their curve is no fair comparison."
    )
    top = headline(bench.entries, bench.systems[0])
    title = top.learner.runs[0].rpartition("-s")[0] if top.learner else ""
    best = next((curve for curve in found["mean"] if curve[0].title == title), None)
    section, level = Section("efficiency", "How many labels are needed?"), None
    if best is not None:
        share = min(best[1].index, key=lambda f: abs(math.log(f / REFERENCE)))
        level = float(best[1].at[share, "y"])
        section.sentences.append(_sentence(found["mean"], best, share))
    section.show(plot, bench.folder, "efficiency", "Test MSE against the number of labelled trajectories", caption)
    section.tables.append(_table(found["mean"], level))
    return section


def _curve(line: Line, parameter: str, probe: str) -> pd.DataFrame:
    own = [row for row in line.rows if row["parameter"] == parameter and row["probe"] == probe]
    frame = pd.DataFrame(own, columns=["fraction", "n_train_trajectories", "mse"]).astype(float)
    mse = {"y": ("mse", "mean"), "low": ("mse", "min"), "high": ("mse", "max")}
    return frame.groupby("fraction").agg(x=("n_train_trajectories", "mean"), **mse)


def _needed(curve: pd.DataFrame, level: float) -> float:
    return trajectories_until(curve["x"].tolist(), curve["y"].tolist(), level)


def _sentence(curves: list[Curve], best: Curve, share: float) -> str:
    line, own = best
    count, level = own.at[share, "x"], own.at[share, "y"]
    parts = []
    for other, curve in curves:
        if other is line or other.kind in (*CEILINGS, "oracle"):
            continue
        needed = _needed(curve, level)
        text = f"{needed:.0f}" if math.isfinite(needed) else f"more than all {curve['x'].iloc[-1]:.0f}"
        parts.append(f"{other.name} {text}")
    return (
        f"With labels of {100 * share:.0f} % of the trajectories ({count:.0f}), {line.name} reaches an MSE of "
        f"{number(level)}. To reach that, others need this many labelled trajectories: {', '.join(parts)}."
    )


def _table(curves: list[Curve], level: float | None) -> Table:
    body = []
    for line, own in curves:
        row = {"Encoder": line.name, **{f"{100 * f:g} %": own["y"].get(f, math.nan) for f in curves[0][1].index}}
        row["area"] = area(own.index.tolist(), own["y"].tolist())
        if level is not None:
            needed = _needed(own, level)
            row[f"labels until {number(level)}"] = f"{needed:.0f}" if math.isfinite(needed) else "never"
        body.append(row)
    caption = "Mean test MSE by share of labelled trajectories; area: its mean over the logarithm of the share."
    return Table(pd.DataFrame(body), caption)

"""Promised against actual coverage of prediction intervals, and how wide they are."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd

from ...benchmark.directory import Bench
from ...benchmark.run_lines import Line, lines
from ..draw import Plot, curves
from ..draw.types import Axes
from ..section import Section, Table

METHODS = {"conformal": "conformal", "gaussian": "Gaussian head", "gaussian_conformal": "Gaussian head, conformal"}
SHOWN = 0.9


def uncertainty(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """One panel per method: coverage on test against the promise, the mean over parameters."""
    groups = lines(rows)
    methods = [method for method in METHODS if any(row["method"] == method for row in rows)]
    styles = {line.name: "--" if line.kind == "floor" else "-" for line in groups}

    def draw(ax: Axes, first: bool, method: str) -> None:
        frame = pd.DataFrame(
            [{"curve": line.name, "colour": line.colour, "style": styles[line.name], "x": level, "y": covered}
             for line in groups for level, covered in _means(line, method)["coverage"].items()]
        )  # fmt: skip
        ax.plot([0.4, 1], [0.4, 1], color="#999999", lw=0.8, zorder=0)
        curves(ax, frame, limits=(0.3, 1.02))
        ax.set(title=METHODS[method], xlabel="promised", ylabel="covered on test" if first else "", xlim=(0.45, 1.01))

    legend = [(line.name, line.colour, styles[line.name]) for line in groups]
    plot = Plot([partial(draw, method=method) for method in methods], 2.7, across=max(len(methods), 2), legend=legend)
    caption = (
        "Share of test trajectories whose parameters lie inside the prediction interval, against the promised share: "
        "the mean over parameters. On the grey line a method keeps its promise; below it, it is too sure."
    )
    columns: dict[str, list] = {"Encoder": [line.name for line in groups]}
    for method in methods:
        own = [_at(line, method) for line in groups]
        columns[f"{METHODS[method]}: covered"] = [100 * coverage for coverage, _ in own]
        columns[f"{METHODS[method]}: width"] = [width for _, width in own]
    digits = {name: 2 if name.endswith("width") else 0 for name in columns}
    note = f"At {100 * SHOWN:.0f} %, in per cent; widths in standard deviations of the parameter (constant: 3.3)."
    section = Section("uncertainty", "How sure, and rightly so?", _sentences(groups, methods))
    section.show(plot, bench.folder, "uncertainty", "Coverage of prediction intervals on test", caption)
    section.tables.append(Table(pd.DataFrame(columns), note, digits))
    return section


def _at(line: Line, method: str) -> tuple[float, float]:
    """Coverage and width at the level shown, means over parameters and seeds."""
    own = _means(line, method)
    near = own.loc[np.isclose(own.index, SHOWN, rtol=1e-9)]
    return (math.nan, math.nan) if near.empty else tuple(near[["coverage", "width"]].iloc[0])


def _means(line: Line, method: str) -> pd.DataFrame:
    """Coverage and width by level, means over parameters and seeds."""
    own = [row for row in line.rows if row["method"] == method]
    frame = pd.DataFrame(own, columns=["level", "coverage", "width"]).astype(float)
    return frame.groupby("level").agg("mean")


def _sentences(groups: list[Line], methods: list[str]) -> list[str]:
    n, parts = groups[0].rows[0]["n_trajectories"], []
    for method in methods:
        gaps = {line.name: SHOWN - _at(line, method)[0] for line in groups}
        worst = max(gaps, key=lambda name: gaps[name] if math.isfinite(gaps[name]) else -math.inf)
        if gaps[worst] > 0:
            parts.append(f"{METHODS[method]} by up to {100 * gaps[worst]:.0f} points ({worst})")
    if not parts:
        return [f"At {100 * SHOWN:.0f} % every method covers at least what it promises, on {n} test trajectories."]
    return [
        f"Promised {100 * SHOWN:.0f} %, on {n} test trajectories intervals fall short: {', '.join(parts)}. "
        "Intervals that are calibrated on valid keep their promise up to the chance of a finite split."
    ]

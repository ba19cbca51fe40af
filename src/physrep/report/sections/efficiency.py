"""Scores against the number of labelled trajectories."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd

from ...analyses.efficiency import area, trajectories_until
from ...benchmark.directory import Bench
from ...benchmark.entries import headline
from ..draw import Plot, curves
from ..draw.types import Axes
from ..formats import number
from ..section import Section, Table
from .run_lines import Line, lines

REFERENCE = 0.1
"""Share of labels at which the best learner sets the level that others are to reach."""


class Curve:
    """Mean over draws and seeds, and the spread of single draws, of one encoder and one parameter."""

    def __init__(self, line: Line, parameter: str, probe: str) -> None:
        cells: dict[float, list[tuple[float, float]]] = {}
        for row in line.rows:
            if row["parameter"] == parameter and row["probe"] == probe:
                cells.setdefault(float(row["fraction"]), []).append(
                    (float(row["n_train_trajectories"]), float(row["mse"]))
                )
        self.line, self.fractions = line, sorted(cells)
        values = [np.array([mse for _, mse in cells[fraction]]) for fraction in self.fractions]
        self.numbers = [float(np.mean([n for n, _ in cells[fraction]])) for fraction in self.fractions]
        self.mean = [float(v.mean()) for v in values]
        self.low = [float(v.min()) for v in values]
        self.high = [float(v.max()) for v in values]

    def frame(self, style: str) -> pd.DataFrame:
        """Rows of `physrep.report.draw.curves`."""
        named = {"curve": self.line.name, "colour": self.line.tint, "style": style}
        return pd.DataFrame({"x": self.numbers, "y": self.mean, "low": self.low, "high": self.high}).assign(**named)


def efficiency(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """One panel for the mean and one per parameter; the area under each curve; when others reach the best learner."""
    probe = rows[0]["probe"]
    names = list(dict.fromkeys(row["parameter"] for row in rows))
    names = ["mean", *(name for name in names if name != "mean")] if len(names) > 2 else ["mean"]
    groups = lines(rows)
    found = {name: [curve for line in groups if (curve := Curve(line, name, probe)).mean] for name in names}
    styles = {line.name: {"floor": "--", "learner": "-"}.get(line.kind, ":") for line in groups}
    # A diverging small-sample fit must not squeeze everything else.
    high = min(1.6, 1.08 * max(max(curve.high) for curve in found["mean"]))

    def draw(ax: Axes, first: bool, name: str) -> None:
        frame = pd.concat([curve.frame(styles[curve.line.name]) for curve in found[name]])
        curves(ax, frame, limits=(0.0, high), log_x=True, band=True, level=1.0)
        ax.set(title="mean over parameters" if name == "mean" else name, xlabel="labelled trajectories",
               ylabel="test MSE per trajectory" if first else "")  # fmt: skip

    legend = [(line.name, line.tint, styles[line.name]) for line in groups]
    plot = Plot([partial(draw, name=name) for name in names], 2.8, legend=legend, share=True)
    caption = (
        f"Test MSE of the {probe} probe against the number of trajectories with labels, all encoders frozen. Lines are "
        "means over draws and seeds, bands reach from the lowest to the highest of them. Dashed level: a constant. "
        "Encoders of the ceiling (dotted) were trained with all labels, so their curve is no fair comparison."
    )
    top = headline(bench.entries, bench.systems[0])
    title = top.learner.runs[0].rpartition("-s")[0] if top.learner else ""
    best = next((curve for curve in found["mean"] if curve.line.title == title), None)
    section = Section("efficiency", "How many labels are needed?", _sentences(found["mean"], best))
    section.show(plot, bench.folder, "efficiency", "Test MSE against the number of labelled trajectories", caption)
    section.tables.append(_table(found["mean"], best))
    return section


def _level(best: Curve | None) -> tuple[float, float] | None:
    """Fraction nearest to `REFERENCE` and the best learner's value there."""
    if best is None:
        return None
    k = int(np.argmin([abs(math.log(f / REFERENCE)) for f in best.fractions]))
    return best.fractions[k], best.mean[k]


def _sentences(curves: list[Curve], best: Curve | None) -> list[str]:
    found = _level(best)
    if best is None or found is None:
        return []
    fraction, level = found
    count = best.numbers[best.fractions.index(fraction)]
    parts = []
    for curve in curves:
        if curve is best or curve.line.kind in ("ceiling", "oracle"):
            continue
        needed = trajectories_until(curve.numbers, curve.mean, level)
        text = f"{needed:.0f}" if math.isfinite(needed) else f"more than all {curve.numbers[-1]:.0f}"
        parts.append(f"{curve.line.name} {text}")
    return [
        f"With labels of {100 * fraction:.0f} % of the trajectories ({count:.0f}), {best.line.name} reaches an MSE of "
        f"{number(level)}. To reach that, others need this many labelled trajectories: {', '.join(parts)}."
    ]


def _table(curves: list[Curve], best: Curve | None) -> Table:
    found = _level(best)
    body = []
    for curve in curves:
        cells = dict(zip(curve.fractions, curve.mean, strict=True))
        row = {"Encoder": curve.line.name, **{f"{100 * f:g} %": cells.get(f, math.nan) for f in curves[0].fractions}}
        row["area"] = area(curve.fractions, curve.mean)
        if found is not None:
            needed = trajectories_until(curve.numbers, curve.mean, found[1])
            row[f"labels until {number(found[1])}"] = f"{needed:.0f}" if math.isfinite(needed) else "never"
        body.append(row)
    caption = "Mean test MSE by share of labelled trajectories; area: its mean over the logarithm of the share."
    return Table(pd.DataFrame(body), caption)

"""Scores against the number of labelled trajectories."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ...analyses.efficiency import area, trajectories_until
from ...benchmark.directory import Bench
from ...benchmark.entries import headline
from ..figures import WIDTH, save_figure
from ..section import Picture, Section, Table
from ..style import number, paper
from .run_lines import Line, lines

if TYPE_CHECKING:
    from matplotlib.axes import Axes

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


def efficiency(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """One panel for the mean and one per parameter; the area under each curve; when others reach the best learner."""
    from matplotlib.figure import Figure

    probe = rows[0]["probe"]
    names = list(dict.fromkeys(row["parameter"] for row in rows))
    names = ["mean", *(name for name in names if name != "mean")] if len(names) > 2 else ["mean"]
    groups = lines(rows)
    curves = {name: [curve for line in groups if (curve := Curve(line, name, probe)).mean] for name in names}
    with paper():
        figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
        axes = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
        for ax, name in zip(axes, names, strict=True):
            _draw(ax, curves[name])
            ax.set_title("mean over parameters" if name == "mean" else name, loc="left")
        axes[0].set_ylabel("test MSE per trajectory")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    uri = save_figure(figure, bench.folder / "figures" / "efficiency.png")
    caption = (
        f"Test MSE of the {probe} probe against the number of trajectories with labels, all encoders frozen. Lines are "
        "means over draws and seeds, bands reach from the lowest to the highest of them. Dashed level: a constant. "
        "Encoders of the ceiling (dotted) were trained with all labels, so their curve is no fair comparison."
    )
    found = headline(bench.entries, bench.systems[0])
    title = found.learner.runs[0].rpartition("-s")[0] if found.learner else ""
    best = next((curve for curve in curves["mean"] if curve.line.title == title), None)
    return Section(
        "efficiency",
        "How many labels are needed?",
        _sentences(curves["mean"], best),
        [Picture(uri, "Test MSE against the number of labelled trajectories", caption)],
        [_table(curves["mean"], best)],
    )


def _draw(ax: Axes, curves: list[Curve]) -> None:
    for curve in curves:
        dashed = {"floor": "--", "learner": "-"}.get(curve.line.kind, ":")
        ax.fill_between(curve.numbers, curve.low, curve.high, color=curve.line.tint, alpha=0.13, lw=0)
        ax.plot(curve.numbers, curve.mean, color=curve.line.tint, ls=dashed, label=curve.line.name, marker="o", ms=2.5)
    ax.axhline(1.0, color="#bbbbbb", lw=0.8, ls=(0, (2, 2)), zorder=0)
    ax.set_xscale("log")
    ax.set_xlabel("labelled trajectories")
    # A diverging small-sample fit must not squeeze everything else.
    ax.set_ylim(0, min(1.6, 1.08 * max(max(curve.high) for curve in curves)))


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
    fractions = curves[0].fractions
    header = ["Encoder", *(f"{100 * f:g} %" for f in fractions), "area"]
    body = []
    for curve in curves:
        cells = dict(zip(curve.fractions, curve.mean, strict=True))
        row = [curve.line.name, *(number(cells[f]) if f in cells else "–" for f in fractions)]
        row.append(number(area(curve.fractions, curve.mean)))
        if found is not None:
            needed = trajectories_until(curve.numbers, curve.mean, found[1])
            row.append(f"{needed:.0f}" if math.isfinite(needed) else "never")
        body.append(row)
    if found is not None and best is not None:
        header.append(f"labels until {number(found[1])}")
    caption = "Mean test MSE by share of labelled trajectories; area: its mean over the logarithm of the share."
    return Table(header, body, caption)

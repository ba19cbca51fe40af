"""Promised against actual coverage of prediction intervals, and how wide they are."""

from __future__ import annotations

import math

from ...benchmark.directory import Bench
from ..figures import WIDTH, save_figure
from ..section import Picture, Section, Table
from ..style import number, paper
from .run_lines import lines

METHODS = {
    "conformal": "conformal",
    "gaussian": "Gaussian head",
    "gaussian_conformal": "Gaussian head, conformal",
}
SHOWN = 0.9


def uncertainty(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """One panel per method: coverage on test against the promise, the mean over parameters."""
    from matplotlib.figure import Figure

    groups = lines(rows)
    methods = [method for method in METHODS if any(row["method"] == method for row in rows)]
    with paper():
        figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
        axes = figure.subplots(1, len(methods), squeeze=False, sharey=True)[0]
        for ax, method in zip(axes, methods, strict=True):
            ax.plot([0.4, 1], [0.4, 1], color="#999999", lw=0.8, zorder=0)
            for line in groups:
                points = _curve(line.rows, method)
                ls = "--" if line.kind == "floor" else "-"
                ax.plot(*zip(*points, strict=True), color=line.tint, ls=ls, marker="o", ms=3, label=line.name)
            ax.set(title=METHODS[method], xlabel="promised", xlim=(0.45, 1), ylim=(0.3, 1.02))
            ax.title.set_horizontalalignment("center")
        axes[0].set_ylabel("covered on test")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", frameon=False, fontsize=8)
    uri = save_figure(figure, bench.folder / "figures" / "uncertainty.png")
    caption = (
        "Share of test trajectories whose parameters lie inside the prediction interval, against the promised share: "
        "the mean over parameters. On the grey line a method keeps its promise; below it, it is too sure."
    )
    body, worst = [], {method: (0.0, "") for method in methods}
    for line in groups:
        cells = [line.name]
        for method in methods:
            own = [r for r in line.rows if r["method"] == method and math.isclose(float(r["level"]), SHOWN)]
            if not own:
                cells += ["–", "–"]
                continue
            coverage = sum(float(r["coverage"]) for r in own) / len(own)
            width = sum(float(r["width"]) for r in own) / len(own)
            cells += [f"{100 * coverage:.0f} %", number(width, 2)]
            if SHOWN - coverage > worst[method][0]:
                worst[method] = (SHOWN - coverage, line.name)
        body.append(cells)
    header = ["Encoder", *(text for method in methods for text in (f"{METHODS[method]}: covered", "width"))]
    n = groups[0].rows[0]["n_trajectories"]
    return Section(
        "uncertainty",
        "How sure, and rightly so?",
        _sentences(worst, n),
        [Picture(uri, "Coverage of prediction intervals on test", caption)],
        [
            Table(
                header, body, f"At {100 * SHOWN:.0f} %; widths in standard deviations of the parameter (constant: 3.3)."
            )
        ],
    )


def _curve(rows: list, method: str) -> list[tuple[float, float]]:
    cells: dict[float, list[float]] = {}
    for row in rows:
        if row["method"] == method:
            cells.setdefault(float(row["level"]), []).append(float(row["coverage"]))
    return [(level, sum(values) / len(values)) for level, values in sorted(cells.items())]


def _sentences(worst: dict[str, tuple[float, str]], n: str) -> list[str]:
    parts = []
    for method, (gap, name) in worst.items():
        if gap > 0:
            parts.append(f"{METHODS[method]} by up to {100 * gap:.0f} points ({name})")
    if not parts:
        return [f"At {100 * SHOWN:.0f} % every method covers at least what it promises, on {n} test trajectories."]
    return [
        f"Promised {100 * SHOWN:.0f} %, on {n} test trajectories intervals fall short: {', '.join(parts)}. "
        "Intervals that are calibrated on valid keep their promise up to the chance of a finite split."
    ]

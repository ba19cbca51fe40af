"""Score against what it cost: test MSE over training operations and over wall time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd

from ..benchmark.costs import training_cost
from ..benchmark.directory import Bench
from ..benchmark.entries import Entry
from ..formats import number, tick
from .draw import Plot, scatter
from .draw.figure import say
from .draw.types import Axes

AXES = {"flops": "training, floating-point operations", "seconds": "training, wall time (s)"}


def cost_plot(bench: Bench, system: str) -> Plot | None:
    """Two panels that share the MSE axis; floors, which train nothing, are lines. None if no cost was recorded."""
    chosen = [
        entry for entry in bench.entries if entry.system == system and entry.chosen and math.isfinite(entry.value)
    ]
    trained = [(entry, training_cost(bench, entry)) for entry in chosen if entry.kind != "floor"]
    panels = [name for name in AXES if any(getattr(cost, name) > 0 for _, cost in trained)]
    if not panels:
        return None
    floors = [entry for entry in chosen if entry.kind == "floor"]
    shown = [entry.value for entry in chosen] + [entry.score().high for entry, _ in trained]
    high = min(max(1.08 * max(value for value in shown if math.isfinite(value)), 0.1), 1.3)
    floors = [entry for entry in floors if entry.value <= high]
    parts = []
    for name in panels:
        points = [(entry, getattr(cost, name)) for entry, cost in trained if getattr(cost, name) > 0]
        parts.append(partial(_draw, points=points, floors=floors, name=name, high=high))
    # Floors are lines, and the legend is where they are named.
    return Plot(parts, 3.6, legend=[(f"{entry.label} (floor)", entry.colour, "--") for entry in floors], share=True)


def _draw(
    ax: Axes, first: bool, points: Sequence[tuple[Entry, float]], floors: Sequence[Entry], name: str, high: float
) -> None:
    for entry in floors:
        line = ax.axhline(entry.value, color=entry.colour, lw=1.1, ls=(0, (4, 2)), zorder=0.5)
        say(line, f"{entry.title} (floor): MSE {number(entry.value, 4)}")
    rows = pd.DataFrame(
        [{"x": value, "y": entry.value, "low": entry.score().low, "high": entry.score().high, "colour": entry.colour,
          "name": entry.label, "said": f"{entry.title}: MSE {number(entry.value, 4)}, {name} {tick(value)}"}
         for entry, value in sorted(points, key=lambda point: (-point[0].value, point[1]))]
    )  # fmt: skip
    costs = [value for _, value in points]
    across = (min(costs) / 1.8, max(costs) * 2.6)
    scatter(ax, rows, limits=(across, (0.0, high)), log_x=True, names=True, size=6.0)
    ax.set(xlabel=AXES[name], ylabel="mean test MSE" if first else "")

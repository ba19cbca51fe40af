"""Score against what it cost: test MSE over training operations and over wall time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..benchmark.directory import Bench
from ..benchmark.entries import Entry
from .style import number
from .svg import Scale, bottom_axis, drawing, element, label, left_axis, line, power_text

AXES = {"flops": "training, floating-point operations", "seconds": "training, wall time (s)"}
TOP, HEIGHT, WIDTH = 14.0, 300.0, 430.0


@dataclass(frozen=True)
class Cost:
    """What the training of one entry took, the mean over its runs; NaN where it was not recorded.

    Attributes:
        flops: floating-point operations of the training, forward and backward.
        seconds: wall time of the training.
    """

    flops: float
    seconds: float


def cost_of(bench: Bench, entry: Entry) -> Cost:
    """Cost of an entry from the ``summary.json`` of its runs; embedding and probes are not counted."""
    found = {}
    for name in AXES:
        summaries = [bench.runs[run].summary for run in entry.runs if run in bench.runs]
        values = [float(s[name]) for s in summaries if isinstance(s.get(name), int | float)]
        found[name] = float(np.mean(values)) if values and len(values) == len(entry.runs) else math.nan
    return Cost(**found)


def cost_drawing(bench: Bench, system: str) -> str | None:
    """Two panels that share the MSE axis; floors, which train nothing, are lines. None if no cost was recorded."""
    chosen = [
        entry for entry in bench.entries if entry.system == system and entry.chosen and math.isfinite(entry.value)
    ]
    trained = [(entry, cost_of(bench, entry)) for entry in chosen if entry.kind != "floor"]
    panels = [name for name in AXES if any(getattr(cost, name) > 0 for _, cost in trained)]
    if not panels:
        return None
    floors = [entry for entry in chosen if entry.kind == "floor"]
    shown = [entry.value for entry in chosen] + [entry.score().high for entry, _ in trained]
    high = min(max(1.08 * max(value for value in shown if math.isfinite(value)), 0.1), 1.3)
    parts = []
    for k, name in enumerate(panels):
        points = [(entry, getattr(cost, name)) for entry, cost in trained if getattr(cost, name) > 0]
        last = k == len(panels) - 1
        parts.append(_panel(points, floors, name, high, 56.0 + k * (WIDTH - 14), k == 0, last))
    width = 56.0 + (WIDTH - 14) * len(panels) + 130
    alt = f"Test MSE on {system} against the cost of training"
    return drawing(width, TOP + HEIGHT + 46, alt, *parts, name="cost")


def _panel(
    points: Sequence[tuple[Entry, float]], floors: Sequence[Entry], name: str, high: float, start: float, first: bool,
    last: bool,
) -> str:  # fmt: skip
    values = [value for _, value in points]
    across = Scale(min(values) / 1.6, max(values) * 2.2, start, start + WIDTH - 44, log=True)
    up = Scale(0.0, high, TOP + HEIGHT, TOP)
    parts = [
        bottom_axis(across, TOP + HEIGHT, AXES[name], TOP),
        left_axis(up, start, "mean test MSE" if first else "", across.end),
    ]
    for entry in floors:
        if entry.value <= high:
            y = up(entry.value)
            said = f"{entry.title} (floor): MSE {number(entry.value, 4)}"
            parts.append(line(start, y, across.end, y, entry.colour, 1.3, stroke_dasharray="5 3"))
            # Easier to hit than a thin line.
            parts.append(
                element("rect", x=start, y=y - 4, width=across.end - start, height=8, fill="transparent", title=said)
            )
    if last:
        parts.append(_floor_names([entry for entry in floors if entry.value <= high], up, across.end + 6))
    # Where no name may lie: all dots first, then the names that are placed.
    taken = [(across(value) - 6, across(value) + 6, max(up(entry.value), TOP)) for entry, value in points]
    for entry, value in sorted(points, key=lambda point: (-point[0].value, point[1])):
        score, x = entry.score(), across(value)
        y = max(up(score.value), TOP)
        if math.isfinite(score.low + score.high):
            parts.append(line(x, up(max(score.low, 0)), x, max(up(score.high), TOP), entry.colour, 1.8))
        said = f"{entry.title}: MSE {number(score.value, 4)}, {name} {power_text(value)}"
        parts.append(element("circle", cx=x, cy=y, r=5.0, fill=entry.colour, stroke="#fff", title=said))
        parts.append(_point_name(entry, x, y, across, taken))
    return "".join(parts)


def _point_name(entry: Entry, x: float, y: float, across: Scale, taken: list[tuple[float, float, float]]) -> str:
    """The name beside its dot, on the side and height where it is free."""
    wide = 6.2 * len(entry.label)
    places = [(side, y + shift) for shift in (0.0, -13.0, 13.0, -26.0, 26.0, -39.0, 39.0) for side in (1, -1)]
    for side, height in places:
        low, high = (x + 8, x + 8 + wide) if side > 0 else (x - 8 - wide, x - 8)
        free = all(abs(height - other) > 12 or high < left or low > right for left, right, other in taken)
        if free and low > across.start and high < across.end + 20 and TOP - 6 < height < TOP + HEIGHT - 4:
            break
    else:
        side, height = 1, y
        low, high = x + 8, x + 8 + wide
    taken.append((low, high, height))
    anchor, at = ("start", low) if side > 0 else ("end", high)
    halo = {"paint_order": "stroke", "stroke": "#fff", "stroke_width": 3.0}
    return label(at, height, entry.label, anchor, 11.5, entry.colour, **halo)


def _floor_names(floors: Sequence[Entry], up: Scale, x: float) -> str:
    """Names at the right ends of the lines, moved apart."""
    parts, last = [], -math.inf
    for entry in sorted(floors, key=lambda entry: up(entry.value)):
        y = max(up(entry.value), last + 13)
        parts.append(label(x, y, entry.label, size=11, fill=entry.colour))
        last = y
    return "".join(parts)

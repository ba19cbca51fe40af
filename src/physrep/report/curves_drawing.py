"""Training and collapse curves drawn into the page; hovering reads the nearest point of a curve."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..benchmark.directory import Run
from .curves import MOST_LINES, PANELS, SHADES, panel_of, shorten, shown_runs
from .style import MUTED
from .svg import Scale, bottom_axis, drawing, element, label, left_axis, line

LEFT, WIDE, BETWEEN, HIGH, STEP, TOP = 92.0, 132.0, 74.0, 92.0, 134.0, 26.0
MOST_POINTS = 120

Curve = tuple[np.ndarray, np.ndarray]


def curve_drawing(runs: Sequence[Run]) -> str | None:
    """One row per run, one panel per kind of curve (`PANELS`); None if no run has any."""
    shown = shown_runs(runs)
    if not shown:
        return None
    parts = []
    for k, title in enumerate(PANELS.values()):
        parts.append(label(_start(k), 10, title, size=12, font_weight="600"))
    for row, run in enumerate(shown):
        _, name, tint = run.identity
        top = TOP + row * STEP
        parts.append(label(2, top + 8, name, size=12, fill=tint, font_weight="600"))
        if "seed" in run.summary:
            parts.append(label(2, top + 24, f"seed {run.summary['seed']}", size=11, fill=MUTED))
        for k, panel in enumerate(PANELS):
            columns = [column for column in run.curves if panel_of(column) == panel][:MOST_LINES]
            curves = {column: run.curves[column] for column in columns}
            parts.append(_panel(curves, panel, _start(k), top, tint, row == len(shown) - 1))
    width = _start(len(PANELS) - 1) + WIDE + 66
    return drawing(width, TOP + STEP * len(shown) + 8, "Training and collapse curves", *parts, name="curves")


def _start(k: int) -> float:
    return LEFT + 34 + k * (WIDE + BETWEEN)


def _panel(curves: dict[str, Curve], panel: str, start: float, top: float, main_tint: str, last: bool) -> str:
    if not curves:
        return label(start + WIDE / 2, top + HIGH / 2, "not recorded", "middle", 11, MUTED)
    bottom = top + HIGH
    steps = np.concatenate([part[0] for part in curves.values()])
    values = np.concatenate([part[1] for part in curves.values()])
    low, high = float(values.min()), float(values.max())
    log = panel == "loss" and low > 0 and high > 20 * low
    if not log and panel != "loss":
        low, high = 0.0, 1.12 * max(float(np.percentile(values, 99)), 1.0 if panel == "probe" else 1e-12)
    if high <= low:
        low, high = low - 0.5 * abs(low) - 0.5, high + 0.5 * abs(high) + 0.5
    across = Scale(min(0.0, float(steps.min())), max(float(steps.max()), 1.0), start, start + WIDE)
    up = Scale(low, high, bottom, top, log)
    parts = [bottom_axis(across, bottom, "step" if last else "", size=10), left_axis(up, start, size=10)]
    if panel == "probe":
        parts.append(line(start, up(1.0), start + WIDE, up(1.0), "#aaa", 1, stroke_dasharray="3 3"))
    ends, shades = [], iter(SHADES * 2)
    for k, (column, curve) in enumerate(curves.items()):
        main = column.split("/")[-1] in ("loss", "train_loss") or (panel != "loss" and k == 0)
        tint = main_tint if main else next(shades)
        parts.append(_curve(column, curve, panel, across, up, tint, main))
        y = float(np.clip(up(float(curve[1][-1])), top, bottom))
        ends.append((y, shorten(column, panel), tint))
    if len(ends) > 1:
        parts.append(_end_names(ends, start + WIDE + 5, bottom))
    return "".join(parts)


def _curve(column: str, curve: Curve, panel: str, across: Scale, up: Scale, tint: str, main: bool) -> str:
    steps, values = curve
    keep = np.unique(np.linspace(0, len(steps) - 1, min(len(steps), MOST_POINTS)).round().astype(int))
    pairs = [(float(steps[i]), float(values[i])) for i in keep]
    limits = sorted((up.start, up.end))
    points = " ".join(f"{across(x):.1f},{min(max(up(y), limits[0]), limits[1]):.1f}" for x, y in pairs)
    held_out = column.startswith(("valid", "val_", "val/"))
    drawn = element(
        "polyline", points=points, fill="none", stroke=tint, stroke_width=1.7 if main else 1.2,
        stroke_dasharray="4 2" if held_out else None, class_="curve", data_name=shorten(column, panel),
        data_values=" ".join(f"{x:.7g},{y:.4g}" for x, y in pairs),
    )  # fmt: skip
    if len(pairs) < 3:
        drawn += "".join(element("circle", cx=across(x), cy=up(y), r=2.4, fill=tint) for x, y in pairs)
    return drawn


def _end_names(ends: list[tuple[float, str, str]], x: float, bottom: float) -> str:
    """Names at the ends of the lines, moved apart where they would overlap."""
    least = 11.5
    ends = sorted(ends)
    heights = [y for y, _, _ in ends]
    for k in range(1, len(heights)):
        heights[k] = max(heights[k], heights[k - 1] + least)
    excess = max(0.0, heights[-1] - bottom)
    heights = [y - excess for y in heights]
    for k in range(len(heights) - 2, -1, -1):
        heights[k] = min(heights[k], heights[k + 1] - least)
    return "".join(label(x, y, text, size=10, fill=tint) for y, (_, text, tint) in zip(heights, ends, strict=True))

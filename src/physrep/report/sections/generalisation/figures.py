"""Figures of one kind of shift: MSE against level, or pairs of dots without and with the shift."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pandas as pd

from ....benchmark.shift_cells import Cells
from ....formats import number
from ...draw import Plot, Reference, curves, dots
from ...draw.types import Axes
from .sentences import where

Panel = tuple[str, str, str, str]
"""Title, subject, level and parameter of a panel."""

SWEEPS = ("noise", "gain", "time_step", "window_length")
"""Shifts whose levels follow one another; the others are drawn as pairs."""

ACROSS = 4
"""Panels side by side."""

LOWEST = 1e-4
"""Errors below are drawn there: a logarithmic axis has no 0."""

BEYOND = 20.0
"""Errors above this many times a constant's are drawn as an arrow at the end of the axis."""


def axis_end(cells: Cells, shift: str) -> float:
    """The largest MSE that a figure shows as a dot."""
    shown = [cell.constant for key, cell in cells.values.items() if key[1] == shift and math.isfinite(cell.constant)]
    return BEYOND * max(shown, default=1.0)


def has_arrows(cells: Cells, shift: str) -> bool:
    """Whether an error lies beyond the end of the axis."""
    return any(key[1] == shift and cell.value > axis_end(cells, shift) for key, cell in cells.values.items())


def limits_of(cells: Cells, shift: str) -> tuple[float, float]:
    """Ends of the axis of a shift: all errors and references, as far as they lie between `LOWEST` and `axis_end`."""
    shown = [v for key, c in cells.values.items() if key[1] == shift for v in (c.value, c.reference, c.constant)]
    low, high = min(v for v in shown if math.isfinite(v)), max(v for v in shown if math.isfinite(v))
    return max(0.7 * low, LOWEST), min(1.4 * high, axis_end(cells, shift))


def level_plot(cells: Cells, shift: str) -> Plot:
    """Lines over levels, one panel per parameter and their mean, or per subject if there are several."""
    subjects = list(dict.fromkeys(subject for subject, _ in cells.levels[shift]))
    by_parameter = len(subjects) == 1
    names = ["mean", *cells.parameters] if by_parameter and 1 < len(cells.parameters) <= 3 else ["mean"]
    panels = [(subject, name) for subject in subjects for name in names]
    limits = limits_of(cells, shift)

    def draw(ax: Axes, first: bool, subject: str, parameter: str) -> None:
        rows = sweep_rows(cells, shift, subject, parameter)
        constant = max((c.constant for k, c in cells.values.items() if k[1] == shift and k[4] == parameter), default=1)
        curves(ax, pd.DataFrame(rows), limits=limits, log_y=True, categories=True, level=constant)
        title = subject if not by_parameter else "mean over parameters" if parameter == "mean" else parameter
        ax.set(title=title, ylabel="test MSE, per trajectory" if first else "")

    legend = [(e.label, e.colour, "--" if e.kind == "floor" else "-") for e in cells.encoders]
    return Plot([partial(draw, subject=s, parameter=p) for s, p in panels], 2.8, legend=legend, share=True)


def sweep_rows(cells: Cells, shift: str, subject: str, parameter: str) -> list[dict[str, Any]]:
    """MSE of every encoder by level; the level without the shift comes first, or last if levels are shares."""
    levels = [level for own, level in cells.levels[shift] if own == subject]
    last, rows = shift == "window_length", []
    for encoder in cells.encoders:
        found = {level: cells.cell(encoder, shift, subject, level, parameter) for level in levels}
        known = [cell for cell in found.values() if cell is not None]
        if not known:
            continue
        points = [(level, *((cell.value, cell.low, cell.high) if cell else (math.nan,) * 3))
                  for level, cell in found.items()]  # fmt: skip
        # References of one encoder may differ a little between levels: other windows of the same trajectories.
        clean = ("all" if last else "clean", sum(c.reference for c in known) / len(known), math.nan, math.nan)
        style = "--" if encoder.kind == "floor" else "-"
        for x, y, low, high in [*points, clean] if last else [clean, *points]:
            rows.append({"curve": encoder.label, "colour": encoder.colour, "style": style, "x": x, "y": y, "low": low,
                         "high": high})  # fmt: skip
    return rows


def pair_panels(cells: Cells, shift: str) -> list[Panel]:
    """Panels of a figure of pairs: per subject and level, or per parameter if there is one level only."""
    levels = cells.levels[shift]
    if len(levels) == 1 and len(cells.parameters) > 1:
        subject, level = levels[0]
        names = ["mean", *cells.parameters][:ACROSS]
        return [
            (f"{where(subject, level)}: {'mean' if name == 'mean' else name}", subject, level, name) for name in names
        ]
    titles = [subject if level == "missing" else where(subject, level) for subject, level in levels]
    # Titles of narrow panels take two lines, all of them or none.
    if len(levels) > 2 and max(map(len, titles)) > 26:
        titles = [title.replace(", ", ",\n", 1) for title in titles]
    return [
        (title, subject, level, cells.scored(shift, subject))
        for title, (subject, level) in zip(titles, levels, strict=True)
    ]


def pair_plot(cells: Cells, shift: str) -> Plot:
    """Per encoder a hollow dot without and a filled one with the shift, one panel per subject and level."""
    panels, limits = pair_panels(cells, shift), limits_of(cells, shift)

    def draw(ax: Axes, first: bool, panel: Panel) -> None:
        title, subject, level, parameter = panel
        found = [(encoder, cells.cell(encoder, shift, subject, level, parameter)) for encoder in cells.encoders]
        rows = []
        for encoder, cell in found:
            before, after = (cell.reference, cell.value) if cell else (math.nan, math.nan)
            said = f"{encoder.label}: {number(before)} without the shift, {number(after)} with it"
            common = {"name": encoder.label, "colour": encoder.colour, "said": said, "low": math.nan, "high": math.nan}
            rows.append({**common, "value": before, "mark": "hollow"})
            ends = {"low": cell.low, "high": cell.high} if cell else {}
            rows.append({**common, "value": after, "mark": "o", **ends})
        lines = [Reference(max(c.constant for _, c in found if c), dashed=True)] if any(c for _, c in found) else []
        dots(ax, pd.DataFrame(rows), limits=limits, names=first, references=lines, log=True, join=True,
             absent="not scored")  # fmt: skip
        ax.set_title(title, fontsize=8.5)

    height = 0.55 + 0.2 * len(cells.encoders)
    label = "test MSE, per trajectory (hollow: without the shift)"
    return Plot([partial(draw, panel=panel) for panel in panels], height, across=ACROSS, xlabel=label)

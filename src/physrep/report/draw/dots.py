"""Dots with intervals, one row per name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ...formats import column, number
from ..style import BAND, MUTED
from .axes import name_rows, number_axis
from .figure import say
from .types import Axes

GAP = 0.45
"""Space between groups of rows."""


@dataclass(frozen=True)
class Reference:
    """A vertical line with a name, and the interval around it as a band."""

    value: float
    name: str = ""
    colour: str = "#999999"
    low: float = math.nan
    high: float = math.nan
    dashed: bool = False


def row_places(rows: pd.DataFrame) -> dict[str, float]:
    """Position of every name from the top, with a gap between groups."""
    places, y, last = {}, 0.0, None
    groups = rows["group"] if "group" in rows else [None] * len(rows)
    for name, group in zip(rows["name"], groups, strict=True):
        if name not in places:
            y += 0.0 if not places else 1.0 + (GAP if group != last else 0.0)
            places[name], last = y, group
    return places


def dots(
    ax: Axes,
    rows: pd.DataFrame,
    *,
    limits: tuple[float, float],
    names: bool = True,
    values: bool = False,
    references: Sequence[Reference] = (),
    log: bool = False,
    join: bool = False,
    absent: str = "no finite score",
    digits: int = 3,
) -> None:
    """Draw one row per name.

    Args:
        ax: axes.
        rows: columns ``name``, ``colour``, ``value``, ``low``, ``high``; optional ``mark`` (``"o"`` by default,
            ``"hollow"``, ``"x"``), ``group`` (rows of different groups are set apart) and ``said`` (what hovering
            says). What lies outside of the limits is an arrow at the edge.
        limits: ends of the axis.
        names: write the names of rows.
        values: write the values of filled dots at the right.
        references: lines to compare with.
        log: logarithmic axis.
        join: a thin line between the marks of one row.
        absent: written where a row has no finite value.
        digits: decimals of the values.
    """
    low, high = limits
    places = row_places(rows)
    marks = rows["mark"] if "mark" in rows else ["o"] * len(rows)
    said = rows["said"] if "said" in rows else ["" for _ in range(len(rows))]
    colours = dict(zip(rows["name"], rows["colour"], strict=True))
    ax.set(xlim=limits, ylim=(max(places.values(), default=0) + 0.6, -0.6))
    _lines(ax, references, limits)
    for name, y in places.items():
        own = [v for n, v in zip(rows["name"], rows["value"], strict=True) if n == name and math.isfinite(v)]
        if join and len(own) > 1:
            ends = [min(max(v, low), high) for v in own]
            ax.plot([min(ends), max(ends)], [y, y], color=colours[name], lw=1.2, alpha=0.55, zorder=2)
        # A wide transparent bar makes the row easy to hit; marks lie above it with values of their own.
        texts = [text for n, text in zip(rows["name"], said, strict=True) if n == name and text]
        if texts:
            say(ax.axhspan(y - 0.5, y + 0.5, facecolor="white", alpha=0.0, lw=0, zorder=1), texts[-1])
    for name, colour, value, start, end, mark, text in zip(
        rows["name"], rows["colour"], rows["value"], rows["low"], rows["high"], marks, said, strict=True
    ):
        _mark(ax, places[name], (value, start, end), colour, str(mark), text, limits, absent)
    if values:
        shown = [(n, v) for n, v, m in zip(rows["name"], rows["value"], marks, strict=True) if m == "o"]
        for (name, _), written in zip(shown, column([value for _, value in shown], digits), strict=True):
            ax.text(1.02, places[name], written, transform=ax.get_yaxis_transform(), va="center", fontsize=8.5,
                    color=colours[name])  # fmt: skip
    number_axis(ax, "x", limits, log, 6)
    labels = list(places) if names else []
    name_rows(ax, [places[name] for name in labels], labels, [colours[name] for name in labels])
    if not names:
        ax.tick_params(axis="y", labelleft=False)


def _mark(
    ax: Axes, y: float, score: tuple[float, float, float], colour: str, mark: str, text: str,
    limits: tuple[float, float], absent: str,
) -> None:  # fmt: skip
    value, start, end = score
    low, high = limits
    if not math.isfinite(value):
        if mark == "o":
            ax.text(0.02, y, absent, transform=ax.get_yaxis_transform(), va="center", fontsize=7.5, color=MUTED)
        return
    if mark != "hollow" and math.isfinite(start + end):
        ends = [min(max(limit, low), high) for limit in (start, end)]
        thin = mark == "x"
        ax.plot(ends, [y, y], color="#999999" if thin else colour, lw=1.0 if thin else 2.0, solid_capstyle="butt",
                zorder=3)  # fmt: skip
    beyond = ">" if value > high else "<" if value < low else ""
    style = beyond or ("x" if mark == "x" else "o")
    filled = "white" if mark == "hollow" else colour
    (drawn,) = ax.plot(
        min(max(value, low), high), y, style, ms=4.5 if mark == "hollow" else 5 if mark == "x" else 6.5, mfc=filled,
        mec="#777777" if mark == "x" else colour, mew=1.0, zorder=4 if mark == "o" else 3.5, clip_on=False,
    )  # fmt: skip
    say(drawn, text or number(value, 4))


def _lines(ax: Axes, references: Sequence[Reference], limits: tuple[float, float]) -> None:
    low, high = limits
    placed: list[float] = []
    for line in sorted(references, key=lambda line: line.dashed):
        if not low <= line.value <= high:
            continue
        if math.isfinite(line.low + line.high):
            ax.axvspan(max(line.low, low), min(line.high, high), color=BAND, lw=0, zorder=-1)
        ax.axvline(line.value, color=line.colour, lw=0.9, ls=(0, (2, 2)) if line.dashed else "-", zorder=0.5)
        # Names stand above the axes, where they do not collide.
        if line.name and all(abs(line.value - other) > 0.17 * (high - low) for other in placed):
            ax.text(line.value, 1.02, line.name, transform=ax.get_xaxis_transform(), ha="center", va="bottom",
                    fontsize=7.5, color=line.colour)  # fmt: skip
            placed.append(line.value)

"""Curves with intervals."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ...formats import number, tick
from ...metrics.spacing import evenly_spaced
from .axes import apart, log_axis, number_axis, plain_axis
from .figure import say, say_curve
from .types import Axes

MOST_POINTS = 160
"""Points of a curve; longer ones are thinned out evenly."""

MARKED = 24
"""Up to so many points each is a mark."""


def curves(
    ax: Axes,
    rows: pd.DataFrame,
    *,
    limits: tuple[float, float],
    log_x: bool = False,
    log_y: bool = False,
    band: bool = False,
    ends: bool = False,
    categories: bool = False,
    level: float | None = None,
) -> None:
    """Draw one line per curve.

    Args:
        ax: axes.
        rows: columns ``curve``, ``colour``, ``x``, ``y`` in the order of the points; optional ``low`` and ``high`` (an
            interval), ``style`` (of the line) and ``width``. Values outside of the limits lie on the edge, those above
            as arrows.
        limits: ends of the vertical axis.
        log_x, log_y: logarithmic axes.
        band: intervals are bands, not bars.
        ends: name every curve at its right end.
        categories: the values of ``x`` are words, set side by side in their order.
        level: a dashed horizontal line.
    """
    low, high = limits
    words = list(dict.fromkeys(rows["x"])) if categories else []
    every = [words.index(x) for x in rows["x"]] if categories else [float(x) for x in rows["x"]]
    names = []
    for curve, own in rows.assign(x=every).groupby("curve", sort=False):
        own = own[np.isfinite(own["y"].astype(float))]
        if own.empty:
            continue
        own = own.iloc[evenly_spaced(len(own), MOST_POINTS)]
        x, y = own["x"].to_numpy(float), own["y"].to_numpy(float)
        colour = str(own["colour"].iloc[0])
        style = own["style"].iloc[0] if "style" in own else "-"
        width = float(own["width"].iloc[0]) if "width" in own else 1.5
        shown = np.clip(y, low, high)
        (line,) = ax.plot(x, shown, ls=style, color=colour, lw=width, zorder=2 + width / 10)
        if len(own) > MARKED:
            say_curve(line, str(curve), x.tolist(), y.tolist())
        else:
            _marks(ax, str(curve), x, y, limits, colour, words)
        if "low" in own and np.isfinite(own["low"] + own["high"]).any():
            ends_low, ends_high = (np.clip(own[name].to_numpy(float), low, high) for name in ("low", "high"))
            if band:
                ax.fill_between(x, ends_low, ends_high, color=colour, alpha=0.13, lw=0)
            else:
                ax.vlines(x, ends_low, ends_high, color=colour, lw=0.8, alpha=0.7)
        names.append((float(shown[-1]), str(curve), colour))
    if level is not None:
        ax.axhline(level, color="#aaaaaa", lw=0.8, ls=(0, (2, 2)), zorder=0)
    _axes(ax, every, words, limits, log_x, log_y)
    if ends and len(names) > 1:
        _name_ends(ax, names)


def _marks(
    ax: Axes, curve: str, x: np.ndarray, y: np.ndarray, limits: tuple[float, float], colour: str, words: list[str]
) -> None:
    above = y > limits[1]
    for beyond, marker, size in ((~above, "o", 3.2), (above, "^", 5.0)):
        if beyond.any():
            (drawn,) = ax.plot(x[beyond], np.clip(y[beyond], *limits), marker, color=colour, ms=size, zorder=3)
            places = [words[int(a)] if words else tick(float(a)) for a in x[beyond]]
            said = [f"{curve}: {number(float(b), 4)} at {place}" for place, b in zip(places, y[beyond], strict=True)]
            say(drawn, *said)


def _axes(
    ax: Axes, every: list[float] | list[int], words: list[str], limits: tuple[float, float], log_x: bool, log_y: bool
) -> None:
    number_axis(ax, "y", limits, log_y)
    if words:
        ax.set_xticks(range(len(words)), words)
        ax.set_xlim(-0.25, len(words) - 0.75)
        if sum(map(len, words)) > 34:
            ax.tick_params(axis="x", rotation=25)
    elif log_x and every:
        log_axis(ax, "x", (min(every) / 1.08, max(every) * 1.08))
    else:
        plain_axis(ax, "x", 4)
        ax.margins(x=0.02)


def _name_ends(ax: Axes, names: list[tuple[float, str, str]]) -> None:
    """Names of curves at their right ends, moved apart where they would overlap."""
    places = ax.transScale + ax.transLimits
    heights = [min(max(float(places.transform((1.0, y))[1]), 0.0), 1.0) for y, _, _ in names]
    heights = [h if math.isfinite(h) else 0.0 for h in heights]
    for height, (_, name, colour) in zip(apart(heights, 0.13, 1.0), names, strict=True):
        ax.annotate(name, (1.02, height), xycoords="axes fraction", va="center", fontsize=7, color=colour,
                    annotation_clip=False)  # fmt: skip

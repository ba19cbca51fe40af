"""Points in a plane."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from .axes import number_axis
from .figure import say
from .types import Axes


def scatter(
    ax: Axes,
    rows: pd.DataFrame,
    *,
    limits: tuple[tuple[float, float], tuple[float, float]],
    log_x: bool = False,
    log_y: bool = False,
    diagonal: bool = False,
    names: bool = False,
    size: float = 4.0,
) -> None:
    """Draw points.

    Args:
        ax: axes.
        rows: columns ``x``, ``y``, ``colour`` (or ``shade`` in [0, 1], from blue to yellow); optional ``hollow``,
            ``low`` and ``high`` (vertical interval), ``said`` (what hovering says) and ``name``. Points outside of the
            limits lie on the frame.
        limits: ends of both axes.
        log_x, log_y: logarithmic axes.
        diagonal: equal axes and the line on which both are equal.
        names: write the names beside the points.
        size: of the marks in points.
    """
    (left, right), (bottom, top) = limits
    x = np.clip(rows["x"].to_numpy(float), left, right)
    y = np.clip(rows["y"].to_numpy(float), bottom, top)
    if diagonal:
        ax.plot([left, right], [bottom, top], color="#aaaaaa", lw=0.8, zorder=0)
        ax.set_aspect("equal", adjustable="box")
    if "shade" in rows:
        ax.scatter(x, y, c=rows["shade"], s=size, cmap="cividis", lw=0, rasterized=True)
    else:
        hollow = rows["hollow"].to_numpy(bool) if "hollow" in rows else np.zeros(len(rows), bool)
        colours = rows["colour"].to_numpy(str)
        for colour in dict.fromkeys(colours.tolist()):
            for empty in (True, False):
                own = (colours == colour) & (hollow == empty)
                if own.any():
                    (drawn,) = ax.plot(x[own], y[own], "o", ms=size, mfc="none" if empty else colour,
                                       mec=colour if empty else "white", mew=0.8 if empty else 0.4, alpha=0.85,
                                       zorder=3, clip_on=False)  # fmt: skip
                    if "said" in rows:
                        say(drawn, *rows["said"][own])
    if "low" in rows:
        ends = [np.clip(rows[name].to_numpy(float), bottom, top) for name in ("low", "high")]
        ax.vlines(x, *ends, colors=rows["colour"].tolist(), lw=1.6, zorder=2)
    for which, log, ends in (("x", log_x, limits[0]), ("y", log_y, limits[1])):
        number_axis(ax, which, ends, log)
    if names:
        _name_points(ax, rows, x, y)


def _name_points(ax: Axes, rows: pd.DataFrame, x: np.ndarray, y: np.ndarray) -> None:
    """The name beside its point, on the side and at the height where it is free."""
    places = ax.transScale + ax.transLimits
    at = [tuple(map(float, places.transform(pair))) for pair in zip(x, y, strict=True)]
    taken = [(a - 0.015, a + 0.015, b) for a, b in at]
    for (a, b), name, colour in zip(at, rows["name"], rows["colour"], strict=True):
        wide = 0.017 * len(name)
        heights = (0.0, -0.045, 0.045, -0.09, 0.09, -0.135, 0.135)
        options = [(side, b + shift) for shift in heights for side in (1, -1)]
        spans = [((a + 0.02, a + 0.02 + wide) if s > 0 else (a - 0.02 - wide, a - 0.02), s, h) for s, h in options]
        free = [
            (span, s, h) for span, s, h in spans
            if span[0] > 0 and span[1] < 1.12 and 0.03 < h < 1.02
            and all(abs(h - other) > 0.042 or span[1] < left or span[0] > right for left, right, other in taken)
        ]  # fmt: skip
        span, side, height = free[0] if free else spans[0]
        taken.append((*span, height))
        ax.text(span[0] if side > 0 else span[1], height, name, transform=ax.transAxes, fontsize=8, color=colour,
                ha="left" if side > 0 else "right", va="center", zorder=4)  # fmt: skip


def padded(low: float, high: float, log: bool, share: float = 0.06) -> tuple[float, float]:
    """Limits a little wider than the values between them."""
    if log:
        factor = max(high / low, 1.0 + 1e-9) ** share if math.isfinite(high / low) else 1.1
        return low / max(factor, 1.02), high * max(factor, 1.02)
    margin = share * ((high - low) or 1.0)
    return low - margin, high + margin

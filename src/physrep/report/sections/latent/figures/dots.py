"""Scores with their intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ....figures import WIDTH
from ....style import BAND, MUTED, number, paper
from ..table import Named, Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def dots_figure(
    who: Mapping[str, Named],
    panels: Sequence[tuple[str, Mapping[str, Score]]],
    xlabel: str,
    low: float = -0.5,
    high: float = 1.05,
    line: tuple[float, str] | None = None,
    reference: str = "",
) -> Figure:
    """Scores with their intervals, one row per modality and one panel per score, side by side.

    Args:
        who: runs, with names and colours, in order.
        panels: heading and ``{modality: score}``.
        xlabel: what is scored.
        low, high: ends of the axis; a score below the low end is an arrow, and its number is written all the same.
        line: a value to mark and its name.
        reference: run whose interval is shaded.
    """
    from matplotlib.figure import Figure

    names = [name for name in who if any(name in scores for _, scores in panels)]
    with paper():
        figure = Figure(figsize=(WIDTH, max(1.8, 0.85 + 0.27 * len(names))), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (title, scores) in zip(axes, panels, strict=True):
            ax.axvline(0, color="#cccccc", lw=0.8, zorder=0)
            if reference in scores and np.isfinite(scores[reference][1:]).all():
                ends = np.clip(scores[reference][1:], low, high)
                ax.axvspan(*ends, color=BAND, lw=0, zorder=-1)
            if line is not None:
                ax.axvline(line[0], color="#999999", lw=0.8, ls=(0, (2, 2)), zorder=0)
                ax.text(line[0], -0.62, line[1], fontsize=7, color=MUTED, ha="center", va="bottom")
            for y, name in enumerate(names):
                if name in scores:
                    _dot(ax, y, scores[name], who[name].colour, low, high)
            ax.set(xlim=(low, high), ylim=(len(names) - 0.4, -0.6))
            if high - low > 1.2:
                ax.set_xticks([tick for tick in (-0.5, 0.0, 0.5, 1.0) if low <= tick <= high])
            ax.set_title(title, loc="left", pad=12 if line is not None else 6)
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
        axes[0].set_yticks(range(len(names)), [who[name].label for name in names])
        for tick, name in zip(axes[0].get_yticklabels(), names, strict=True):
            tick.set_color(who[name].colour)
        figure.supxlabel(xlabel, fontsize=9)
    return figure


def _dot(ax: Axes, y: float, score: Score, tint: str, low: float, high: float) -> None:
    value, start, end = score
    if not np.isfinite(value):
        return
    if value < low:
        ax.annotate("", (low, y), (low + 0.08 * (high - low), y), arrowprops={"arrowstyle": "->", "color": tint})
        place, align = low + 0.1 * (high - low), "left"
    else:
        if np.isfinite(start + end):
            ax.plot(np.clip([start, end], low, high), [y, y], color=tint, lw=2, solid_capstyle="butt", zorder=3)
        ax.plot(min(value, high), y, "o", ms=6, color=tint, zorder=4, clip_on=False)
        # Beside the interval, on the side that has room.
        right = min(max(end, value) if np.isfinite(end) else value, high)
        room = right < low + 0.8 * (high - low)
        left = min(max(min(start, value) if np.isfinite(start) else value, low), high)
        place = right + 0.045 * (high - low) if room else left - 0.045 * (high - low)
        align = "left" if room else "right"
    ax.text(place, y, number(value, 2), fontsize=7.5, color=tint, va="center", ha=align)

"""Axes of all figures: plain numbers, few ticks, names of rows in their colours."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...formats import tick
from .types import Axes


def log_axis(ax: Axes, which: str, limits: tuple[float, float]) -> None:
    """A logarithmic axis with plain numbers at 1, 2, 5 times powers of ten, fewer over many decades.

    Args:
        ax: the axes.
        which: ``"x"`` or ``"y"``.
        limits: lowest and highest value, both positive.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

    low, high = limits
    decades = math.log10(high / low)
    digits = (1, 2, 5) if decades < 1.6 else (1, 3) if decades < 2.6 else (1,)
    every = max(1, math.ceil(decades / 5))
    powers = [p for p in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) if p % every == 0]
    ticks = [d * 10.0**p for p in powers for d in digits if low * 0.999 <= d * 10.0**p <= high * 1.001]
    getattr(ax, f"set_{which}scale")("log")
    getattr(ax, f"set_{which}lim")(low, high)
    axis = getattr(ax, f"{which}axis")
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axis.set_minor_formatter(NullFormatter())


def plain_axis(ax: Axes, which: str, count: int = 5) -> None:
    """A linear axis with about ``count`` plain numbers."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = getattr(ax, f"{which}axis")
    axis.set_major_locator(MaxNLocator(count, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))


def number_axis(ax: Axes, which: str, limits: tuple[float, float], log: bool, count: int = 4) -> None:
    """A `log_axis` or a `plain_axis` with these ends."""
    if log:
        log_axis(ax, which, limits)
    else:
        getattr(ax, f"set_{which}lim")(limits)
        plain_axis(ax, which, count)


def name_rows(ax: Axes, positions: Sequence[float], names: Sequence[str], colours: Sequence[str] = ()) -> None:
    """Names of rows beside a vertical axis that has no line and no ticks."""
    ax.set_yticks(list(positions), list(names))
    ax.tick_params(axis="y", length=0, pad=7)
    ax.spines["left"].set_visible(False)
    for label, colour in zip(ax.get_yticklabels(), colours, strict=False):
        label.set_color(colour)


def apart(heights: Sequence[float], least: float, top: float) -> list[float]:
    """Heights moved apart by at least ``least``, none above ``top`` as far as there is room; order is kept."""
    order = sorted(range(len(heights)), key=lambda k: heights[k])
    placed = [heights[k] for k in order]
    for k in range(1, len(placed)):
        placed[k] = max(placed[k], placed[k - 1] + least)
    if placed:
        placed[-1] = min(placed[-1], top)
    for k in range(len(placed) - 2, -1, -1):
        placed[k] = min(placed[k], placed[k + 1] - least)
    found = dict(zip(order, placed, strict=True))
    return [found[k] for k in range(len(heights))]


def blank(ax: Axes, text: str) -> None:
    """Say in the middle of empty axes why nothing is there."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color="#6a6a6a", fontsize=8)
    ax.set(xticks=[], yticks=[], xlabel="")
    for spine in ax.spines.values():
        spine.set_visible(False)

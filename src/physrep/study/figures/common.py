"""Sizes, colours and types that the figures of a study share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

from ...report.style import INK

WIDTH = 8.6
"""Width of a figure in inches."""

COLOURS = {
    "vjepa2": "#1f63b4",
    "random_vjepa2": "#7a9a78",
    "pretrain": "#c8402f",
    "run": "#c8402f",
    "statistics": "#c98a1b",
    "pixels": "#8d6aa0",
}
"""Colour per kind of encoder: saturated where something was learned, muted for the controls."""

Score = tuple[float, float, float]
"""Value, low and high end of an interval (NaN where there is none)."""


def row_title(ax: Axes, text: str) -> None:
    """A title above a row of pictures that reserves height but no width."""
    ax.set_title(" ", fontsize=8.5)
    ax.text(0, 1.06, text, transform=ax.transAxes, fontsize=8.5, color=INK, va="bottom").set_in_layout(False)

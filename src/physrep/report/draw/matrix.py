"""A matrix of numbers: cells tinted by value and written out."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from ...formats import number
from .axes import name_rows
from .figure import say
from .types import Axes

SHADES = ("#ffffff", "#9dbfe3", "#1f4e8c")
DIVERGING = ("#1f4e8c", "#ffffff", "#b03a2a")


LONGEST = 20
"""Characters of a name beside the cells; longer ones would leave no room for these on a phone."""


def matrix(
    ax: Axes,
    values: pd.DataFrame,
    *,
    limits: tuple[float, float] = (0.0, 1.0),
    texts: pd.DataFrame | None = None,
    framed: pd.DataFrame | None = None,
    colours: Sequence[str] = (),
    shades: Sequence[str] = SHADES,
    names: bool = True,
) -> None:
    """Draw the cells of a frame, its rows from the top; what lies outside of the limits has the colour of the end.

    Names of more than `LONGEST` characters lose their middle beside the cells; hovering says them whole.

    Args:
        ax: axes.
        values: numbers; NaN cells are grey.
        limits: values of the first and the last shade.
        texts: what is written instead of the numbers.
        framed: cells with a frame.
        colours: of the names of the rows.
        shades: colours from low to high.
        names: write the names of the rows.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    scale = LinearSegmentedColormap.from_list("physrep", list(shades))
    low, high = limits
    rows, columns = [str(name) for name in values.index], [str(name) for name in values.columns]
    for i, row in enumerate(rows):
        for j, name in enumerate(columns):
            value = float(values.iat[i, j])
            text = str(texts.iat[i, j]) if texts is not None else number(value, 2)
            share = min(max((value - low) / (high - low), 0.0), 1.0) if math.isfinite(value) else math.nan
            tint = scale(share) if math.isfinite(value) else (0.93, 0.93, 0.93, 1.0)
            cell = ax.add_patch(Rectangle((j - 0.5, i - 0.5), 1, 1, facecolor=tint, edgecolor="white", lw=1.5))
            say(cell, f"{row}, {name}: {text}")
            if framed is not None and bool(framed.iat[i, j]):
                ax.add_patch(Rectangle((j - 0.48, i - 0.48), 0.96, 0.96, fill=False, ec="#333333", lw=1, zorder=3))
            dark = math.isfinite(share) and 0.3 * tint[0] + 0.59 * tint[1] + 0.11 * tint[2] < 0.55
            ax.text(j, i, text, ha="center", va="center", fontsize=7.5, color="white" if dark else "#222222")
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    rows, columns = [_shown(name) for name in rows], [_shown(name) for name in columns]
    ax.set_xticks(range(len(columns)), columns)
    turned = max((len(name) for name in columns), default=0) * len(columns) > 40
    ax.tick_params(axis="x", length=0, bottom=False, top=False, labelbottom=False, labeltop=True, pad=2)
    if turned:
        for label in ax.get_xticklabels():
            label.set(rotation=35, ha="left", rotation_mode="anchor")
    name_rows(ax, range(len(rows)) if names else [], rows if names else [], colours)
    for spine in ax.spines.values():
        spine.set_visible(False)


def _shown(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 9]}…{name[-8:]}"

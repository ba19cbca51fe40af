"""A matrix of numbers as a figure: cells tinted by value and written out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..figures import WIDTH
from ..style import number, paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def matrix_figure(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    tints: Sequence[str] | None = None,
    bar: str,
) -> Figure:
    """Values in [0, 1] from white to blue, written with two decimals; what lies outside is drawn as the end.

    Args:
        values: ``(rows, columns)``; NaN cells are left grey.
        rows, columns: their names.
        tints: colours of the row names.
        bar: label of the colour bar.
    """
    from matplotlib.figure import Figure

    with paper():
        figure = Figure(figsize=(WIDTH, 1.25 + 0.29 * len(rows)), layout="constrained")
        ax = figure.subplots()
        image = draw_matrix(ax, values, rows, columns, tints=tints)
        colour_bar = figure.colorbar(image, ax=ax, aspect=12, shrink=0.9, pad=0.015)
        colour_bar.set_label(bar, fontsize=8)
        colour_bar.outline.set_linewidth(0.3)  # pyright: ignore[reportCallIssue]
    return figure


def draw_matrix(
    ax: Axes,
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    tints: Sequence[str] | None = None,
    texts: Sequence[Sequence[str]] | None = None,
):
    """Draw the cells into axes; ``texts`` replaces the numbers."""
    from matplotlib.colors import LinearSegmentedColormap

    scale = LinearSegmentedColormap.from_list("physrep_white_blue", ["#ffffff", "#9dbfe3", "#1f4e8c"])
    scale = scale.with_extremes(bad="#eeeeee")
    image = ax.imshow(np.ma.masked_invalid(values), vmin=0, vmax=1, cmap=scale, aspect="auto")
    for i in range(len(rows)):
        for j in range(len(columns)):
            text = texts[i][j] if texts is not None else number(float(values[i, j]), 2)
            ax.text(
                j, i, text, ha="center", va="center", fontsize=8, color="white" if values[i, j] > 0.62 else "#222222"
            )
    turned = max((len(name) for name in columns), default=0) * len(columns) > 75
    ax.set_xticks(range(len(columns)), list(columns))
    ax.tick_params(axis="x", bottom=False, top=True, labelbottom=False, labeltop=True, pad=2)
    if turned:
        for tick in ax.get_xticklabels():
            tick.set(rotation=35, ha="left", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), list(rows))
    ax.tick_params(axis="both", length=0)
    if tints is not None:
        for tick, tint in zip(ax.get_yticklabels(), tints, strict=True):
            tick.set_color(tint)
    ax.set_xticks(np.arange(1, len(columns)) - 0.5, minor=True)
    ax.set_yticks(np.arange(1, len(rows)) - 0.5, minor=True)
    ax.grid(which="minor", color="white", lw=1.5)
    ax.tick_params(which="minor", length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return image

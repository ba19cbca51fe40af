"""Pictures of fields in a grid: rows of one quantity each, blocks of columns for trajectories, times within them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...palette import diverging
from ..style import INK, MUTED, paper
from .types import Figure, SubFigure


@dataclass
class Pictures:
    """One row of pictures.

    Attributes:
        label: what is shown.
        values: with shape ``(blocks, columns, X, Y)``, or ``(blocks, columns, X, Y, 3)`` for colours as they are.
        low, high: values of the ends of the colours.
        colours: a colour map, or its name.
        bar: draw the scale of the colours at the right.
    """

    label: str
    values: np.ndarray
    low: float = 0.0
    high: float = 1.0
    colours: Any = "cividis"
    bar: bool = False

    @classmethod
    def of_field(
        cls, label: str, values: np.ndarray, percentiles: tuple[float, float] = (0.2, 99.8), bar: bool = True,
        among: np.ndarray | None = None,
    ) -> Pictures:  # fmt: skip
        """A row in the colours of `colour_range` (of more values ``among`` which it is), underscores as spaces."""
        low, high, signed = colour_range(values if among is None else among, percentiles)
        return cls(label.replace("_", " "), values, low, high, diverging() if signed else "cividis", bar)


def colour_range(values: np.ndarray, percentiles: tuple[float, float] = (0.2, 99.8)) -> tuple[float, float, bool]:
    """Limits of the colours, and whether zero is in their middle."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return -1.0, 1.0, True
    low, high = (float(x) for x in np.percentile(finite, percentiles))
    if low < 0 < high and min(-low, high) > 0.02 * max(-low, high):
        limit = max(-low, high)
        return -limit, limit, True
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-30):
        return low - 0.5, high + 0.5, False
    return low, high, False


def image_figure(
    size: tuple[float, float], rows: Sequence[Pictures], titles: Sequence[str] = (), below: Sequence[str] = ()
) -> Figure:
    """A figure of this size in inches with nothing but the rows of `images`."""
    from matplotlib.figure import Figure

    with paper():
        figure = Figure(figsize=size, layout="constrained")
        images(figure, rows, titles, below)
    return figure


def images(
    figure: Figure | SubFigure, rows: Sequence[Pictures], titles: Sequence[str] = (), below: Sequence[str] = ()
) -> None:
    """Draw the rows; the first spatial axis (x) runs to the right and the second (y) upwards.

    Args:
        figure: where to.
        rows: from the top.
        titles: of the blocks, above their first column.
        below: under the columns of every block.
    """
    blocks, columns = rows[0].values.shape[:2]
    # An empty narrow column keeps blocks apart.
    ratios = [*([1.0] * columns + [0.14]) * blocks][:-1]
    axes = figure.subplots(len(rows), len(ratios), squeeze=False, width_ratios=ratios)
    for i, (row, line) in enumerate(zip(rows, axes, strict=True)):
        for place, ax in enumerate(line):
            block, k = divmod(place, columns + 1)
            if k == columns:
                ax.set_visible(False)
                continue
            picture = np.swapaxes(row.values[block, k], 0, 1)
            ax.imshow(picture, origin="lower", vmin=row.low, vmax=row.high, interpolation="nearest", cmap=row.colours)
            ax.set(xticks=[], yticks=[])
            for spine in ax.spines.values():
                spine.set(visible=True, linewidth=0.3, color="#888888")
            if i == len(rows) - 1 and below:
                ax.set_xlabel(below[k], fontsize=7, color=MUTED, labelpad=2)
            if i == 0 and titles:
                # The title spans its columns, none of which may grow for it; an empty one in each keeps the height.
                ax.set_title(" ", fontsize=8.5)
                if k == 0:
                    ax.set_title(titles[block], loc="left", fontsize=8.5, color=INK).set_in_layout(False)
        label = line[0].set_ylabel(row.label, fontsize=8)
        if row.values.shape[3] < 0.75 * row.values.shape[2] or max(map(len, row.label.split("\n"))) > 14:
            label.set(rotation=0, ha="right", va="center")  # upright labels would run into those of other rows
        if row.bar:
            colour_bar(figure, list(line), (row.low, row.high), row.colours)


def colour_bar(figure: Figure | SubFigure, axes: list[Any], limits: tuple[float, float], colours: Any) -> None:
    """The scale of the colours at the right of some axes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = limits
    bar = figure.colorbar(ScalarMappable(Normalize(low, high), colours), ax=axes, shrink=0.9, aspect=14, pad=0.008)
    bar.set_ticks([low, 0, high] if low == -high else [low, high])
    # What is below a thousandth of the range is 0 to the eye.
    ticks = [0.0 if abs(tick) < 1e-3 * (high - low) else tick for tick in bar.get_ticks()]
    bar.set_ticklabels([f"{tick:.2g}".replace("-", "−") for tick in ticks])
    bar.ax.tick_params(labelsize=7, length=2)
    bar.outline.set_linewidth(0.3)  # pyright: ignore[reportCallIssue]

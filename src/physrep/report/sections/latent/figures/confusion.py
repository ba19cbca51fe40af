"""What each equation was named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .....analyses.latent.kinds import KINDS
from ....figures import WIDTH
from ....style import paper
from ..table import Named

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_figure(
    who: Mapping[str, Named],
    panels: Sequence[tuple[str, str, np.ndarray]],
    names: Sequence[str],
    right: Sequence[str],
) -> Figure:
    """One matrix per modality: shares of the simulations of each set by the kind that was named; right ones framed.

    Args:
        who: runs, with names and colours.
        panels: run, reading, shares ``(sets, kinds)``.
        names: of the sets.
        right: what each set is.
    """
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    columns = min(4, len(panels))
    rows = -(-len(panels) // columns)
    with paper():
        figure = Figure(figsize=(WIDTH, (0.3 * len(names) + 1.15) * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for ax in axes.flatten()[len(panels) :]:
            ax.set_axis_off()
        for (modality, reading, shares), ax in zip(panels, axes.flatten(), strict=False):
            tint = who[modality].colour
            shades = LinearSegmentedColormap.from_list("shades", ["#ffffff", tint])
            ax.imshow(shares, cmap=shades, vmin=0, vmax=1.2, aspect="auto")
            for i in range(len(names)):
                for j, kind in enumerate(KINDS):
                    if shares[i, j] >= 0.005:
                        ink = "white" if shares[i, j] > 0.6 else "#333333"
                        ax.text(j, i, f"{100 * shares[i, j]:.0f}", ha="center", va="center", fontsize=7.5, color=ink)
                    if right[i] == kind:
                        frame = (j - 0.5, i - 0.5)
                        ax.add_patch(Rectangle(frame, 1, 1, fill=False, ec="#333333", lw=1, clip_on=False, zorder=3))
            ax.set_xticks(range(len(KINDS)), KINDS, rotation=30, ha="right", rotation_mode="anchor")
            ax.set_yticks(range(len(names)), names)
            ax.tick_params(length=0, labelbottom=True)
            ax.set_title(f"{who[modality].label}, {reading}", color=tint, loc="left", fontsize=8)
    return figure

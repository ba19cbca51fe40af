"""Predicted against true values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ....figures import WIDTH, log_ticks
from ....style import paper
from ..table import Named

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def scatter_figure(
    who: Mapping[str, Named],
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]],
    name: str,
    log: bool,
) -> Figure:
    """Predicted against true values of one parameter, one panel per modality.

    Args:
        who: runs, with names and colours.
        panels: modality, true and predicted values, and which of them are special (drawn hollow) or None.
        name: of the parameter.
        log: logarithmic axes.
    """
    from matplotlib.figure import Figure

    with paper():
        size = WIDTH / max(3, len(panels))
        figure = Figure(figsize=(size * len(panels), size + 0.25), layout="constrained")
        axes = figure.subplots(1, len(panels), squeeze=False, sharex=True, sharey=True)[0]
        true_all = np.concatenate([true for _, true, _, _ in panels])
        low, high = float(true_all.min()), float(true_all.max())
        margin = (high / low) ** 0.08 if log else 0.08 * (high - low)
        limits = (low / margin**2, high * margin**2) if log else (low - 2 * margin, high + 2 * margin)
        for ax, (modality, true, predicted, special) in zip(axes, panels, strict=True):
            tint = who[modality].colour
            shown = np.clip(predicted, *limits)
            hollow = np.zeros(len(true), bool) if special is None else special
            ax.plot(limits, limits, color="#aaaaaa", lw=0.8, zorder=0)
            ax.plot(true[~hollow], shown[~hollow], "o", ms=3.6, mfc=tint, mec="white", mew=0.3, alpha=0.8)
            ax.plot(true[hollow], shown[hollow], "o", ms=3.6, mfc="none", mec=tint, mew=0.8, alpha=0.8)
            if log:
                ax.set(xscale="log", yscale="log")
                log_ticks(ax, (math.log10(limits[0]), math.log10(limits[1])))
            ax.set(xlim=limits, ylim=limits, aspect="equal", xlabel=f"true {name}")
            ax.set_title(who[modality].label, color=tint, loc="left", fontweight="bold")
        axes[0].set_ylabel(f"predicted {name}")
    return figure

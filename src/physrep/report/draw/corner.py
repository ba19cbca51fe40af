"""Draws of a posterior: every parameter by itself, and every pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..style import paper
from .types import Figure


def draw_corner(draws: Mapping[str, Sequence[float]], truth: Mapping[str, float]) -> Figure:
    """A figure with a histogram per parameter on the diagonal, and draws of every pair below it.

    Args:
        draws: name to values.
        truth: name to value, where it is known; in red.
    """
    from matplotlib.figure import Figure

    names = list(draws)
    with paper():
        figure = Figure(figsize=(1.7 * len(names) + 0.8, 1.6 * len(names) + 0.5), layout="constrained")
        axes = figure.subplots(len(names), len(names), squeeze=False)
        for i, row in enumerate(names):
            for k, column in enumerate(names):
                ax = axes[i, k]
                if k > i:
                    ax.set_visible(False)
                    continue
                if i == k:
                    ax.hist(draws[row], bins=25, histtype="step", color="#1f63b4")
                    ax.set_yticks([])
                else:
                    ax.plot(draws[column], draws[row], ".", ms=2, color="#1f63b4", alpha=0.5)
                    if row in truth:
                        ax.axhline(truth[row], color="#b3261e", lw=0.8)
                if column in truth:
                    ax.axvline(truth[column], color="#b3261e", lw=0.8)
                if i == len(names) - 1:
                    ax.set_xlabel(column)
                if k == 0 and i:
                    ax.set_ylabel(row)
    return figure

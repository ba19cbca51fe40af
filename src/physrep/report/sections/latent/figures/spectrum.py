"""Eigenvalues of latent operators in the complex plane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ....figures import WIDTH
from ....style import MUTED, paper
from ..table import Named

if TYPE_CHECKING:
    from matplotlib.figure import Figure


EDGE = 1.3
"""Distance from 0 beyond which eigenvalues are drawn at the edge."""


def spectrum_figure(
    who: Mapping[str, Named], lines: Sequence[tuple[str, Sequence[tuple[str, np.ndarray, np.ndarray]]]]
) -> Figure:
    """One row per set, one panel per modality: eigenvalues of order 1 (filled) and order 2 (rings), unit circle.

    Args:
        who: runs, with names and colours.
        lines: set, and per modality its name and the eigenvalues of both orders.
    """
    from matplotlib.figure import Figure

    columns = max(len(cells) for _, cells in lines)
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 400))
    # What lies far outside would squeeze the rest; it is drawn at the edge.
    every = np.concatenate([values for _, cells in lines for _, *both in cells for values in both])
    left = max(-EDGE, min(0.0, float(np.real(every).min())) - 0.08)
    top = min(EDGE, max(0.25, float(np.abs(np.imag(every)).max())) + 0.08)
    right = min(EDGE, max(1.05, float(np.real(every).max())) + 0.08)
    with paper():
        side = WIDTH / max(columns, 4)
        height = 0.8 * side * 2 * top / (right - left) + 0.3
        figure = Figure(figsize=(side * columns, height * len(lines) + 0.45), layout="constrained")
        axes = figure.subplots(len(lines), columns, squeeze=False, sharex=True, sharey=True)
        for index, ((name, cells), line) in enumerate(zip(lines, axes, strict=True)):
            for ax in line[len(cells) :]:
                ax.set_axis_off()
            for (modality, first, second), ax in zip(cells, line, strict=False):
                tint = who[modality].colour
                ax.plot(np.real(circle), np.imag(circle), color="#bbbbbb", lw=0.8, zorder=0)
                ax.axhline(0, color="#dddddd", lw=0.6, zorder=0)
                for values, fill in ((second, "none"), (first, tint)):
                    shown = np.clip(np.real(values), left, right), np.clip(np.imag(values), -top, top)
                    ax.plot(*shown, "o", ms=3, mfc=fill, mec=tint, mew=0.6, alpha=0.85)
                ax.set(xlim=(left, right), ylim=(-top, top), aspect="equal")
                ax.text(
                    0.02, 0.03, f"radius {np.abs(first).max():.3f}", transform=ax.transAxes, fontsize=7, color=MUTED
                )
                if index == 0:
                    ax.set_title(who[modality].label, color=tint, loc="left")
            line[0].set_ylabel(f"{name}\nIm λ" if len(lines) > 1 else "Im λ")
        for ax in axes[-1]:
            ax.set_xlabel("Re λ")
    return figure

"""Eigenvalues of latent operators in the complex plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...report.style import MUTED, paper
from ..config import StudyConfig
from ..names import label
from .common import COLOURS, WIDTH, row_title

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def spectrum_figure(
    config: StudyConfig, lines: Sequence[tuple[str, Sequence[tuple[str, np.ndarray, np.ndarray]]]]
) -> Figure:
    """One row per set, one panel per modality: eigenvalues of order 1 (filled) and order 2 (rings), unit circle.

    Args:
        config: names and kinds of the encoders.
        lines: set, and per modality its name and the eigenvalues of both orders.
    """
    from matplotlib.figure import Figure

    columns = max(len(cells) for _, cells in lines)
    circle = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    with paper():
        side = WIDTH / max(columns, 4)
        figure = Figure(figsize=(side * columns, (side + 0.35) * len(lines)), layout="constrained")
        axes = figure.subplots(len(lines), columns, squeeze=False, sharex=True, sharey=True)
        for (name, cells), line in zip(lines, axes, strict=True):
            for ax in line[len(cells) :]:
                ax.set_axis_off()
            for (modality, first, second), ax in zip(cells, line, strict=False):
                tint = COLOURS[config.encoders[modality].kind]
                ax.plot(circle.real, circle.imag, color="#bbbbbb", lw=0.8, zorder=0)
                ax.axhline(0, color="#dddddd", lw=0.6, zorder=0)
                # What lies far outside would squeeze the circle; it is drawn at the edge.
                for values, fill in ((second, "none"), (first, tint)):
                    shown = np.clip(values.real, -1.25, 1.25), np.clip(values.imag, -1.25, 1.25)
                    ax.plot(*shown, "o", ms=3.2, mfc=fill, mec=tint, mew=0.6, alpha=0.85)
                ax.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
                ax.text(
                    0.02, 0.02, f"radius {np.abs(first).max():.3f}", transform=ax.transAxes, fontsize=7, color=MUTED
                )
                if line is axes[0] or len(lines) == 1:
                    ax.set_title(label(modality, config.encoders[modality]), color=tint, loc="left", pad=16)
            row_title(line[0], name) if line is not axes[0] else line[0].text(
                0, 1.03, name, transform=line[0].transAxes, fontsize=8.5, va="bottom"
            ).set_in_layout(False)
            line[0].set_ylabel("Im λ")
        for ax in axes[-1]:
            ax.set_xlabel("Re λ")
    return figure

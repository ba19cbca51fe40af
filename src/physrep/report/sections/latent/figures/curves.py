"""Curves over steps or sizes, one per modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ....figures import WIDTH
from ....style import paper
from ..table import Named, Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure


STYLES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1, 1, 1)))
"""Several modalities of one kind share its colour and differ in the stroke."""


def curves_figure(
    who: Mapping[str, Named], panels: Sequence[tuple[str, Mapping[str, np.ndarray]]], xlabel: str, ylabel: str
) -> Figure:
    """One curve per modality over steps 1, 2, ... on a logarithmic axis, one panel per heading."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    with paper():
        rows = -(-len(panels) // 2)
        figure = Figure(figsize=(WIDTH, 2.5 * rows + 0.2), layout="constrained")
        axes = figure.subplots(rows, min(2, len(panels)), squeeze=False, sharey=True).flatten()
        drawn = np.concatenate([curve for _, curves in panels for curve in curves.values()])
        drawn = np.append(drawn[np.isfinite(drawn) & (drawn > 0)], 1.0)
        for ax, (title, curves) in zip(axes, panels, strict=False):
            counts: dict[str, int] = {}
            for modality, curve in curves.items():
                kind = who[modality].colour
                style = STYLES[counts.get(kind, 0) % len(STYLES)]
                counts[kind] = counts.get(kind, 0) + 1
                text = who[modality].label
                ax.plot(np.arange(1, len(curve) + 1), curve, color=kind, ls=style, lw=1.5, label=text)
            ax.axhline(1, color="#bbbbbb", lw=0.8, zorder=0)
            # What has blown up leaves the picture instead of squeezing the others together.
            ax.set(yscale="log", xlabel=xlabel, ylim=(0.8 * float(drawn.min()), min(10.0, 1.25 * float(drawn.max()))))
            ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            ax.yaxis.set_minor_formatter(FuncFormatter(lambda value, _: _plain(value)))
            ax.set_title(title, loc="left")
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax in axes[::2]:
            ax.set_ylabel(ylabel)
        handles, texts = axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=8)
    return figure


def _plain(value: float) -> str:
    """Labels of 2 and 5 in every decade, none between."""
    return f"{value:g}" if f"{value:e}"[0] in "25" else ""


def sweep_figure(
    who: Mapping[str, Named], panels: Sequence[tuple[str, Mapping[str, Mapping[int, Score]]]], low: float = -0.5
) -> Figure:
    """Skill over the number of latent components, one curve per modality and one panel per set; bars are intervals."""
    from matplotlib.figure import Figure

    with paper():
        rows = -(-len(panels) // 2)
        figure = Figure(figsize=(WIDTH, 2.5 * rows + 0.2), layout="constrained")
        axes = figure.subplots(rows, min(2, len(panels)), squeeze=False, sharex=True, sharey=True).flatten()
        sizes = sorted({size for _, curves in panels for curve in curves.values() for size in curve})
        for ax, (title, curves) in zip(axes, panels, strict=False):
            ax.axhline(0, color="#bbbbbb", lw=0.8, zorder=0)
            counts: dict[str, int] = {}
            for number, (modality, curve) in enumerate(curves.items()):
                kind = who[modality].colour
                style = STYLES[counts.get(kind, 0) % len(STYLES)]
                counts[kind] = counts.get(kind, 0) + 1
                # A little aside, so that bars of several modalities do not cover each other.
                x = [size * 1.03 ** (number - len(curves) / 2) for size in curve]
                values = np.clip(np.array([score for score in curve.values()]), low, 1)
                text = who[modality].label
                ax.plot(x, values[:, 0], "o", ls=style, color=kind, ms=3, lw=1.3, label=text)
                ax.vlines(x, values[:, 1], values[:, 2], color=kind, lw=0.8)
            ax.set(xscale="log", ylim=(low, 1.02), xlabel="latent components")
            ax.set_xticks(sizes, [str(size) for size in sizes])
            ax.minorticks_off()
            ax.set_title(title, loc="left")
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax in axes[::2]:
            ax.set_ylabel("skill of rollouts")
        handles, texts = axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=8)
    return figure

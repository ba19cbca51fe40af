"""Figures of a study, in the style of the benchmark's."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..report.figures import log_ticks
from ..report.style import BAND, INK, MUTED, number, paper
from .config import EncoderConfig, StudyConfig
from .data import StudyData
from .render import ColourScale, render

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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


def label(name: str, encoder: EncoderConfig) -> str:
    """Name of a modality in figures and sentences."""
    if encoder.kind == "pixels":
        return f"Pixels {encoder.source}"
    if encoder.kind == "statistics":
        return "Field statistics"
    default = {"vjepa2": "V-JEPA 2", "random_vjepa2": "Random V-JEPA 2"}.get(encoder.kind)
    if default is not None:
        return default if name == encoder.kind else f"{default} ({name})"
    return f"Own {'JEPA' if encoder.source == 'jepa' else name}"


def samples_figure(config: StudyConfig, data: StudyData, scales: Mapping[str, ColourScale], columns: int = 6) -> Figure:
    """One simulation of every set at evenly spaced times, in the very colours that the models see."""
    from matplotlib.figure import Figure

    frames = np.linspace(0, config.frames - 1, columns).round().astype(int)
    names = list(data.sets)
    with paper():
        figure = Figure(figsize=(WIDTH, 1.42 * len(names) + 0.25), layout="constrained")
        axes = figure.subplots(len(names), columns, squeeze=False)
        for name, line in zip(names, axes, strict=True):
            rows = data.rows(name)
            row = int(rows[len(rows) // 3])
            pictures = render(data.fields[row : row + 1, frames], scales[name])[0]
            for frame, picture, ax in zip(frames, pictures, line, strict=True):
                ax.imshow(picture.permute(1, 2, 0).numpy(), interpolation="nearest")
                ax.set(xticks=[], yticks=[])
                for spine in ax.spines.values():
                    spine.set_visible(False)
                if name == names[-1]:
                    ax.set_xlabel(f"frame {frame + 1}", fontsize=7.5, color=MUTED, labelpad=2)
            values = ", ".join(f"{k} {v:.3g}" for k, v in data.simulations[row]["parameters"].items())
            _row_title(line[0], f"{name}: {values}")
            _bar(line[-1], scales[name])
    return figure


def _row_title(ax: Axes, text: str) -> None:
    """A title above a row of pictures that reserves height but no width."""
    ax.set_title(" ", fontsize=8.5)
    ax.text(0, 1.06, text, transform=ax.transAxes, fontsize=8.5, color=INK, va="bottom").set_in_layout(False)


def _bar(ax: Axes, scale: ColourScale) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    mappable = ScalarMappable(Normalize(scale.low, scale.high), ListedColormap(scale.table.tolist()))
    bar = ax.figure.colorbar(mappable, ax=ax, fraction=0.05, pad=0.03, ticks=[scale.low, scale.high])
    bar.ax.set_yticklabels([f"{scale.low:.2g}", f"{scale.high:.2g}"], fontsize=7)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def dots_figure(
    config: StudyConfig,
    panels: Sequence[tuple[str, Mapping[str, Score]]],
    xlabel: str,
    low: float = -0.5,
    high: float = 1.05,
    line: tuple[float, str] | None = None,
) -> Figure:
    """Scores with their intervals, one row per modality and one panel per score, side by side.

    Args:
        config: names, kinds and order of the encoders.
        panels: heading and ``{modality: score}``.
        xlabel: what is scored.
        low, high: ends of the axis; a score below the low end is an arrow, and its number is written all the same.
        line: a value to mark and its name.
    """
    from matplotlib.figure import Figure

    names = [name for name in config.encoders if any(name in scores for _, scores in panels)]
    with paper():
        figure = Figure(figsize=(WIDTH, max(1.8, 0.85 + 0.27 * len(names))), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (title, scores) in zip(axes, panels, strict=True):
            ax.axvline(0, color="#cccccc", lw=0.8, zorder=0)
            if config.reference in scores and np.isfinite(scores[config.reference][1:]).all():
                ends = np.clip(scores[config.reference][1:], low, high)
                ax.axvspan(*ends, color=BAND, lw=0, zorder=-1)
            if line is not None:
                ax.axvline(line[0], color="#999999", lw=0.8, ls=(0, (2, 2)), zorder=0)
                ax.text(line[0], -0.62, line[1], fontsize=7, color=MUTED, ha="center", va="bottom")
            for y, name in enumerate(names):
                if name in scores:
                    _dot(ax, y, scores[name], COLOURS[config.encoders[name].kind], low, high)
            ax.set(xlim=(low, high), ylim=(len(names) - 0.4, -0.6))
            if high - low > 1.2:
                ax.set_xticks([tick for tick in (-0.5, 0.0, 0.5, 1.0) if low <= tick <= high])
            ax.set_title(title, loc="left", pad=12 if line is not None else 6)
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
        axes[0].set_yticks(range(len(names)), [label(name, config.encoders[name]) for name in names])
        for tick, name in zip(axes[0].get_yticklabels(), names, strict=True):
            tick.set_color(COLOURS[config.encoders[name].kind])
        figure.supxlabel(xlabel, fontsize=9)
    return figure


def _dot(ax: Axes, y: float, score: Score, tint: str, low: float, high: float) -> None:
    value, start, end = score
    if not np.isfinite(value):
        return
    if value < low:
        ax.annotate("", (low, y), (low + 0.08 * (high - low), y), arrowprops={"arrowstyle": "->", "color": tint})
        place, align = low + 0.1 * (high - low), "left"
    else:
        if np.isfinite(start + end):
            ax.plot(np.clip([start, end], low, high), [y, y], color=tint, lw=2, solid_capstyle="butt", zorder=3)
        ax.plot(min(value, high), y, "o", ms=6, color=tint, zorder=4, clip_on=False)
        # Beside the interval, on the side that has room.
        right = min(max(end, value) if np.isfinite(end) else value, high)
        room = right < low + 0.8 * (high - low)
        left = min(max(min(start, value) if np.isfinite(start) else value, low), high)
        place = right + 0.045 * (high - low) if room else left - 0.045 * (high - low)
        align = "left" if room else "right"
    ax.text(place, y, number(value, 2), fontsize=7.5, color=tint, va="center", ha=align)


def scatter_figure(
    config: StudyConfig, panels: Sequence[tuple[str, np.ndarray, np.ndarray, np.ndarray | None]], name: str, log: bool
) -> Figure:
    """Predicted against true values of one parameter, one panel per modality.

    Args:
        config: the study.
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
            tint = COLOURS[config.encoders[modality].kind]
            shown = np.clip(predicted, *limits)
            hollow = np.zeros(len(true), bool) if special is None else special
            ax.plot(limits, limits, color="#aaaaaa", lw=0.8, zorder=0)
            ax.plot(true[~hollow], shown[~hollow], "o", ms=3.6, mfc=tint, mec="white", mew=0.3, alpha=0.8)
            ax.plot(true[hollow], shown[hollow], "o", ms=3.6, mfc="none", mec=tint, mew=0.8, alpha=0.8)
            if log:
                ax.set(xscale="log", yscale="log")
                log_ticks(ax, (math.log10(limits[0]), math.log10(limits[1])))
            ax.set(xlim=limits, ylim=limits, aspect="equal", xlabel=f"true {name}")
            ax.set_title(label(modality, config.encoders[modality]), color=tint, loc="left", fontweight="bold")
        axes[0].set_ylabel(f"predicted {name}")
    return figure


def curves_figure(
    config: StudyConfig, panels: Sequence[tuple[str, Mapping[str, np.ndarray]]], xlabel: str, ylabel: str
) -> Figure:
    """One curve per modality over steps 1, 2, ... on a logarithmic axis, one panel per heading."""
    from matplotlib.figure import Figure

    with paper():
        rows = -(-len(panels) // 2)
        figure = Figure(figsize=(WIDTH, 2.5 * rows + 0.2), layout="constrained")
        axes = figure.subplots(rows, min(2, len(panels)), squeeze=False, sharey=True).flatten()
        drawn = np.concatenate([curve for _, curves in panels for curve in curves.values()])
        drawn = np.append(drawn[np.isfinite(drawn) & (drawn > 0)], 1.0)
        styles: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (1.5, 1.2)), (0, (5, 1, 1, 1)))
        for ax, (title, curves) in zip(axes, panels, strict=False):
            counts: dict[str, int] = {}
            for modality, curve in curves.items():
                kind = config.encoders[modality].kind
                style = styles[counts.get(kind, 0) % len(styles)]
                counts[kind] = counts.get(kind, 0) + 1
                text = label(modality, config.encoders[modality])
                ax.plot(np.arange(1, len(curve) + 1), curve, color=COLOURS[kind], ls=style, lw=1.5, label=text)
            ax.axhline(1, color="#bbbbbb", lw=0.8, zorder=0)
            # What has blown up leaves the picture instead of squeezing the others together.
            ax.set(yscale="log", xlabel=xlabel, ylim=(0.8 * float(drawn.min()), min(10.0, 1.25 * float(drawn.max()))))
            ax.set_title(title, loc="left")
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        for ax in axes[::2]:
            ax.set_ylabel(ylabel)
        handles, texts = axes[0].get_legend_handles_labels()
        figure.legend(handles, texts, loc="outside right upper", frameon=False, fontsize=8)
    return figure


def instability_figure(data: StudyData, name: str, scale: ColourScale, limit: float) -> Figure:
    """Frames of the explicit scheme below and above its stability limit, in the published colours."""
    from matplotlib.figure import Figure

    rows = data.rows(name)
    alpha = data.parameter("diffusivity", rows)
    wanted = [0.8 * limit, 1.04 * limit, 1.3 * limit, float(alpha.max())]
    picked = list(dict.fromkeys(int(np.abs(alpha - value).argmin()) for value in wanted))
    count = data.fields.shape[1]
    frames = np.unique(np.clip([0, 2, 4, 9, 19, count - 1], 0, count - 1))
    with paper():
        figure = Figure(figsize=(WIDTH, 1.38 * len(picked) + 0.2), layout="constrained")
        axes = figure.subplots(len(picked), len(frames), squeeze=False)
        for index, line in zip(picked, axes, strict=True):
            row = int(rows[index])
            pictures = render(data.fields[row : row + 1, frames], scale)[0]
            for frame, picture, ax in zip(frames, pictures, line, strict=True):
                ax.imshow(picture.permute(1, 2, 0).numpy(), interpolation="nearest")
                ax.set(xticks=[], yticks=[])
                if index == picked[-1]:
                    ax.set_xlabel(f"frame {frame + 1}", fontsize=7.5, color=MUTED, labelpad=2)
            state = "stable" if alpha[index] <= limit else "unstable"
            _row_title(line[0], f"α = {alpha[index]:.2f}: {state} (limit {limit:g})")
    return figure

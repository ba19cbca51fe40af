"""Figures of one kind of shift: MSE against level, or pairs of dots without and with the shift."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...figures import WIDTH
from ...style import MUTED, paper
from .cells import Cells, Encoder
from .sentences import where

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Panel = tuple[str, str, str, str]
"""Title, subject, level and parameter of a panel."""

SWEEPS = ("noise", "time_step", "window_length")
"""Shifts whose levels follow one another; the others are drawn as pairs."""

ACROSS = 4
"""Panels side by side."""

LOWEST = 1e-4
"""Errors below are drawn there: a logarithmic axis has no 0."""

BEYOND = 20.0
"""Errors above this many times a constant's are drawn as an arrow at the end of the axis."""


def shift_figure(cells: Cells, shift: str) -> Figure:
    """The figure of a shift."""
    return sweep_figure(cells, shift) if shift in SWEEPS else pair_figure(cells, shift)


def axis_end(cells: Cells, shift: str) -> float:
    """The largest MSE that a figure shows as a dot."""
    shown = [cell.constant for key, cell in cells.values.items() if key[1] == shift and math.isfinite(cell.constant)]
    return BEYOND * max(shown, default=1.0)


def has_arrows(cells: Cells, shift: str) -> bool:
    """Whether an error lies beyond the end of the axis."""
    return any(key[1] == shift and cell.value > axis_end(cells, shift) for key, cell in cells.values.items())


def sweep_figure(cells: Cells, shift: str) -> Figure:
    """Lines over levels, one panel per parameter and their mean, or per subject if there are several."""
    from matplotlib.figure import Figure

    subjects = list(dict.fromkeys(subject for subject, _ in cells.levels[shift]))
    by_parameter = len(subjects) == 1
    if by_parameter:
        names = ["mean", *cells.parameters] if 1 < len(cells.parameters) <= 3 else ["mean"]
        panels = [(subjects[0], name, "mean over parameters" if name == "mean" else name) for name in names]
    else:
        panels = [(subject, "mean", subject) for subject in subjects]
    with paper():
        figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=by_parameter, squeeze=False)[0]
        for ax, (subject, parameter, title) in zip(axes, panels, strict=True):
            draw_sweep(ax, cells, shift, subject, parameter)
            ax.set_title(title, loc="left")
        if not by_parameter:
            _same_limits(axes)
        axes[0].set_ylabel("test MSE, per trajectory")
        _legend(figure, cells.encoders)
    return figure


def draw_sweep(ax: Axes, cells: Cells, shift: str, subject: str, parameter: str) -> None:
    """MSE of every encoder against level; the level without the shift comes first, or last if levels are shares."""
    levels = [level for own, level in cells.levels[shift] if own == subject]
    last, end = shift == "window_length", axis_end(cells, shift)
    labels = [*levels, "all"] if last else ["clean", *levels]
    constants = []
    for encoder in cells.encoders:
        found = [cells.cell(encoder, shift, subject, level, parameter) for level in levels]
        known = [cell for cell in found if cell is not None]
        if not known:
            continue
        middle = [(cell.value, cell.low, cell.high) if cell else (math.nan,) * 3 for cell in found]
        # References of one encoder may differ a little between levels: other windows of the same trajectories.
        clean = (sum(cell.reference for cell in known) / len(known), math.nan, math.nan)
        points = [*middle, clean] if last else [clean, *middle]
        x = range(len(points))
        style = "--" if encoder.kind == "floor" else "-"
        ax.plot(x, [min(max(p[0], LOWEST), end) for p in points], style, color=encoder.colour)
        for k, (value, low, high) in enumerate(points):
            marker, size = ("^", 5) if value > end else ("o", 3.5)
            ax.plot(k, min(max(value, LOWEST), end), marker, color=encoder.colour, ms=size)
            if math.isfinite(low + high) and high < end:
                ax.plot([k, k], [max(low, LOWEST), high], color=encoder.colour, lw=0.8, alpha=0.6)
        constants.append(known[-1].constant)
    ax.axhline(max(constants), color=MUTED, lw=0.9, ls=":", zorder=0)
    ax.set_xticks(range(len(labels)), labels)
    ax.set_xlim(-0.25, len(labels) - 0.75)
    _log_axis(ax, "y")


def pair_panels(cells: Cells, shift: str) -> list[Panel]:
    """Panels of a figure of pairs: per subject and level, or per parameter if there is one level only."""
    levels = cells.levels[shift]
    if len(levels) == 1 and len(cells.parameters) > 1:
        subject, level = levels[0]
        names = ["mean", *cells.parameters][:ACROSS]
        return [
            (f"{where(subject, level)}: {'mean' if name == 'mean' else name}", subject, level, name) for name in names
        ]
    titles = [subject if level == "missing" else where(subject, level) for subject, level in levels]
    # Titles of narrow panels take two lines, all of them or none.
    if len(levels) > 2 and max(map(len, titles)) > 26:
        titles = [title.replace(", ", ",\n", 1) for title in titles]
    return [
        (title, subject, level, cells.scored(shift, subject))
        for title, (subject, level) in zip(titles, levels, strict=True)
    ]


def pair_figure(cells: Cells, shift: str) -> Figure:
    """Per encoder a hollow dot without and a filled one with the shift, one panel per subject and level."""
    from matplotlib.figure import Figure

    panels = pair_panels(cells, shift)
    across = min(ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    with paper():
        height = 0.55 + down * (0.55 + 0.2 * len(cells.encoders))
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        axes = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for ax, panel in zip(axes.flat, panels, strict=False):
            draw_pairs(ax, cells, shift, panel)
        for ax in list(axes.flat)[len(panels) :]:
            ax.set_visible(False)
        first = axes[0, 0]
        first.set_yticks(range(len(cells.encoders)), [encoder.label for encoder in cells.encoders])
        first.set_ylim(len(cells.encoders) - 0.4, -0.6)
        _log_axis(first, "x")
        for row in axes:
            for tick, encoder in zip(row[0].get_yticklabels(), cells.encoders, strict=True):
                tick.set_color(encoder.colour)
        figure.supxlabel("test MSE, per trajectory (hollow: without the shift)", fontsize=9)
    return figure


def draw_pairs(ax: Axes, cells: Cells, shift: str, panel: Panel) -> None:
    """One panel of pairs."""
    title, subject, level, parameter = panel
    constants, end = [], axis_end(cells, shift)
    for y, encoder in enumerate(cells.encoders):
        cell = cells.cell(encoder, shift, subject, level, parameter)
        if cell is None or not math.isfinite(cell.value):
            ax.text(0.5, y, "not scored", transform=ax.get_yaxis_transform(), ha="center", va="center", fontsize=7,
                    color=MUTED)  # fmt: skip
            continue
        constants.append(cell.constant)
        value, reference = (min(max(error, LOWEST), end) for error in (cell.value, cell.reference))
        ax.plot([reference, value], [y, y], color=encoder.colour, lw=1.2, alpha=0.55, zorder=2)
        if math.isfinite(cell.low + cell.high):
            limits = [min(max(limit, LOWEST), end) for limit in (cell.low, cell.high)]
            ax.plot(limits, [y, y], color=encoder.colour, lw=2.6, alpha=0.35, solid_capstyle="butt", zorder=1)
        ax.plot(reference, y, "o", ms=5, mfc="white", mec=encoder.colour, zorder=3)
        ax.plot(value, y, ">" if cell.value > end else "o", ms=5, color=encoder.colour, zorder=4)
    if constants:
        ax.axvline(max(constants), color=MUTED, lw=0.9, ls=":", zorder=0)
    ax.set_title(title, loc="left", fontsize=8.5)
    ax.tick_params(axis="y", length=0)


def _legend(figure: Figure, encoders: list[Encoder]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=e.colour, ls="--" if e.kind == "floor" else "-", marker="o", ms=3.5, label=e.label)
        for e in encoders
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), frameon=False, fontsize=8)


def _same_limits(axes: list[Axes]) -> None:
    limits = [ax.get_ylim() for ax in axes]
    for ax in axes:
        ax.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def _log_axis(ax: Axes, which: str) -> None:
    """A logarithmic axis with plain numbers at 1, 2, 5 (over more than 2 decades: 1) times powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    getattr(ax, f"set_{which}scale")("log")
    low, high = getattr(ax, f"get_{which}lim")()
    decades = math.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < 1.5 else (1.0, 3.0) if decades < 2.5 else (1.0,)
    axis = getattr(ax, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())

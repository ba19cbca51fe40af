"""Figures of scores: dots with intervals, predicted against true values; and writing figures to files."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..benchmark.directory import Bench
from ..benchmark.entries import Entry, headline
from ..benchmark.names import probe_name
from ..files import atomic_path
from ..learners.identity import KINDS
from ..metrics import cluster_means, mse, r2
from ..probes.fit import Predictions
from .fields import draw_samples
from .style import BAND, MUTED, number, paper

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 8.6
"""Width of a figure in inches."""


def save_figure(figure: Figure, path: Path, vector: bool = True, dpi: int = 150) -> str:
    """Write a PNG file, and return the same figure as a data URI for a page (SVG if ``vector``)."""
    with paper():
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.04)
        if not vector:
            return _data_uri(path.read_bytes(), "image/png")
        buffer = io.BytesIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", bbox_inches="tight", pad_inches=0.04, metadata=nothing)
    return _data_uri(buffer.getvalue(), "image/svg+xml")


def _data_uri(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def dot_figure(bench: Bench, system: str) -> Figure:
    """Test MSE of every learner, the mean and each parameter side by side."""
    from matplotlib.figure import Figure

    parameters = bench.parameters(system)
    shown = parameters if 1 < len(parameters) <= 4 else []
    rows = _positions(bench.entries, system)
    with paper():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.34 * (rows[-1][0] + 1)), layout="constrained")
        ratios = [2.4] + [1.0] * len(shown)
        axes = figure.subplots(1, len(ratios), sharey=True, width_ratios=ratios, squeeze=False)[0]
        draw_dots(axes[0], bench.entries, system)
        axes[0].set_title("mean over parameters", loc="left", pad=14)
        for ax, parameter in zip(axes[1:], shown, strict=True):
            draw_dots(ax, bench.entries, system, parameter["name"], labels=False)
            ax.set_title(_axis_label(parameter), loc="left", pad=14)
        figure.supxlabel("test MSE of z-scored parameters, per trajectory", fontsize=9)
    return figure


def _positions(entries: Sequence[Entry], system: str) -> list[tuple[float, Entry]]:
    """Chosen entries with their row from the top, with a gap between groups."""
    rows, y = [], 0.0
    for kind in KINDS:
        group = [entry for entry in entries if entry.kind == kind and entry.system == system and entry.chosen]
        for entry in group:
            rows.append((y, entry))
            y += 1.0
        y += 0.45 if group else 0.0
    return rows


def draw_dots(ax: Axes, entries: Sequence[Entry], system: str, parameter: str = "mean", labels: bool = True) -> None:
    """One row per learner: filled dot and 95% interval of its chosen probe, hollow dots of its other probes.

    Args:
        ax: where to draw.
        entries: entries of the benchmark.
        system: which system.
        parameter: name of a parameter or ``"mean"``.
        labels: write values, and name the floor band and the ceiling line.
    """
    rows = _positions(entries, system)
    found = headline(entries, system)
    shown = [entry.score(parameter).value for entry in entries if entry.system == system]
    finite = [value for value in shown if math.isfinite(value)]
    # One hopeless probe must not squeeze all the others together; it gets an arrow instead.
    limit = min(max([1.08, *(value * 1.12 for value in finite)]), 1.6)
    bottom = rows[-1][0] + 0.7
    ax.axvline(1.0, color="#bbbbbb", lw=0.8, ls=(0, (2, 2)), zorder=0)
    if found.floor is not None:
        value, low, high = found.floor.score(parameter)
        if math.isfinite(low + high):
            ax.axvspan(low, min(high, limit), color=BAND, lw=0, zorder=-1)
        ax.axvline(value, color=found.floor.colour, lw=1.0, zorder=0.5)
    if found.ceiling is not None:
        ax.axvline(found.ceiling.score(parameter).value, color=found.ceiling.colour, lw=1.0, zorder=0.5)
    for y, entry in rows:
        value, low, high = entry.score(parameter)
        tint = entry.colour
        for other in entries:
            if other.runs == entry.runs and other.label == entry.label and other.system == system and not other.chosen:
                position = other.score(parameter).value
                if position <= limit:
                    ax.plot(position, y, "o", ms=4.5, mfc="white", mec=tint, mew=1.0, zorder=3.5)
        if not math.isfinite(value):
            ax.text(0.02 * limit, y, "no finite score", va="center", fontsize=8, color=MUTED)
            continue
        if value > limit:
            ax.annotate("", (limit, y), (limit * 0.93, y), arrowprops={"arrowstyle": "->", "color": tint, "lw": 1.4})
        else:
            if math.isfinite(low + high):
                ax.plot([max(low, 0), min(high, limit)], [y, y], color=tint, lw=2.0, solid_capstyle="butt", zorder=3)
            # Whole also at 0, where an oracle is.
            ax.plot(value, y, "o", ms=7, color=tint, zorder=4, clip_on=False)
        if labels:
            ax.text(1.02, y, number(value), transform=ax.get_yaxis_transform(), va="center", fontsize=8.5, color=tint)
    ax.set_xlim(0, limit)
    ax.set_ylim(bottom, -0.7)
    ax.set_yticks([y for y, _ in rows], [_row_label(entry) for _, entry in rows])
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if labels:
        for tick, (_, entry) in zip(ax.get_yticklabels(), rows, strict=True):
            tick.set_color(entry.colour)
        _name_lines(ax, found, parameter, limit)


def _row_label(entry: Entry) -> str:
    plain = entry.probe == "" or entry.learner == "constant"
    return entry.label if plain else f"{entry.label}, {probe_name(entry.probe)}"


def _name_lines(ax: Axes, found: Any, parameter: str, limit: float) -> None:
    """Name the reference lines above the axes, where they do not collide."""
    names = [(1.0, "constant", "#8a8a8a")]
    for entry, text in ((found.floor, "best floor"), (found.ceiling, "ceiling")):
        if entry is not None and math.isfinite(value := entry.score(parameter).value) and value <= limit:
            names.append((value, text, entry.colour))
    names.sort()
    apart = [name for k, name in enumerate(names) if k == 0 or name[0] - names[k - 1][0] > 0.13 * limit]
    for x, text, tint in apart:
        ax.text(x, -0.8, text, ha="center", va="bottom", fontsize=7.5, color=tint)


def _axis_label(parameter: dict[str, Any]) -> str:
    unit = parameter.get("unit", "1")
    name = parameter["name"]
    return f"{name} ({unit})" if unit not in ("1", "", None) else name


def scatter_figure(bench: Bench, system: str) -> tuple[Figure | None, list[Entry], list[str]]:
    """Predicted against true value of each parameter (rows) for best floor, learner and ceiling (columns).

    Returns:
        The figure, the entries shown, and names of entries without predictions; no figure if none has any.
    """
    from matplotlib.figure import Figure

    found = headline(bench.entries, system)
    wanted = [entry for entry in (found.floor, found.learner, found.ceiling) if entry is not None]
    predictions = {entry.title: bench.predictions(entry) for entry in wanted}
    shown = [entry for entry in wanted if predictions[entry.title]]
    absent = [entry.title for entry in wanted if not predictions[entry.title]]
    parameters = bench.parameters(system)
    if not shown:
        return None, [], absent
    with paper():
        size = min(WIDTH / 3, WIDTH / max(len(shown), 2))
        figure = Figure(figsize=(size * len(shown), size * len(parameters)), layout="constrained")
        axes = figure.subplots(len(parameters), len(shown), squeeze=False, sharex="row", sharey="row")
        for row, parameter in zip(axes, parameters, strict=True):
            limits = []
            for ax, entry in zip(row, shown, strict=True):
                limits.append(_draw_scatter(ax, predictions[entry.title][0], parameter, entry.colour))
            low, high = min(pair[0] for pair in limits), max(pair[1] for pair in limits)
            for ax in row:
                ax.plot([low, high], [low, high], color="#999999", lw=0.8, zorder=0)
                ax.set(xlim=(low, high), ylim=(low, high), aspect="equal")
                ax.set_xlabel(f"true {_axis_label(parameter)}")
            row[0].set_ylabel(f"predicted {_axis_label(parameter)}")
        for ax, entry in zip(axes[0], shown, strict=True):
            ax.set_title(entry.title, color=entry.colour, loc="left", fontweight="bold")
    return figure, shown, absent


def _draw_scatter(ax: Axes, predictions: Predictions, parameter: dict[str, Any], tint: str) -> tuple[float, float]:
    k = predictions.parameter_names.index(parameter["name"])
    log = parameter["scale"] == "log"
    both = np.stack([predictions.target_physical[:, k], predictions.prediction_physical[:, k]], axis=1)
    # The score averages z-scores, and these are linear in the logarithm on log scales.
    with np.errstate(over="ignore", divide="ignore"):
        true, predicted = cluster_means(np.log10(both) if log else both, predictions.trajectory)[0].T
    scaled = (predictions.prediction[:, [k]], predictions.target[:, [k]])
    z = [cluster_means(part, predictions.trajectory)[0] for part in scaled]
    limits = _limits(true, predicted)
    predicted = np.clip(predicted, *limits)
    if log:
        ax.set(xscale="log", yscale="log")
        log_ticks(ax, limits)
        true, predicted, limits = 10**true, 10**predicted, (10 ** limits[0], 10 ** limits[1])
    ax.plot(true, predicted, "o", ms=4, mfc=tint, mec="white", mew=0.4, alpha=0.75)
    text = f"MSE {number(float(mse(*z)[0]), 2)}\nR² {number(float(r2(*z)[0]), 2)}"
    ax.text(0.05, 0.95, text, transform=ax.transAxes, va="top", fontsize=8, linespacing=1.35)
    return limits


def _limits(true: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Limits that hold all true values and, unless they are far out, all predictions."""
    low, high = float(true.min()), float(true.max())
    span = high - low or 1.0
    finite = predicted[np.isfinite(predicted)]
    low = max(min([low, *finite]), low - 0.5 * span) - 0.06 * span
    high = min(max([high, *finite]), high + 0.5 * span) + 0.06 * span
    return low, high


def log_ticks(ax: Axes, limits: tuple[float, float]) -> None:
    """Ticks at 1, 2, 5 times powers of ten (fewer over many decades), written out where that is short."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

    decades = limits[1] - limits[0]
    digits = (1, 2, 5) if decades < 1.6 else (1, 3) if decades < 2.6 else (1,)
    powers = range(math.floor(limits[0]), math.ceil(limits[1]) + 1)
    ticks = [d * 10.0**p for p in powers for d in digits if limits[0] <= math.log10(d) + p <= limits[1]]
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(FixedLocator(ticks))
        axis.set_minor_formatter(NullFormatter())
        if all(1e-3 <= tick < 1e5 for tick in ticks):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def hero(directory: str | Path, path: str | Path) -> Path:
    """The picture of a benchmark for a README: sample fields on the left, scores on the right.

    Args:
        directory: a finished benchmark.
        path: PNG file to write.

    Returns:
        The path.

    Raises:
        PhysrepError: the benchmark has no results, or the file cannot be written.
    """
    from matplotlib.figure import Figure

    bench = Bench.read(directory)
    system = bench.systems[0]
    with paper():
        figure = Figure(figsize=(11.0, 3.6), layout="constrained")
        right = figure
        if bench.samples is not None:
            left, right = figure.subfigures(1, 2, squeeze=False, width_ratios=[1.15, 1.0], wspace=0.04)[0]
            draw_samples(left, bench.samples, bench.data, trajectories=2, frames=3, channels=2)
        ax = right.subplots()
        draw_dots(ax, bench.entries, system)
        found = headline(bench.entries, system)
        ax.set_xlabel("test MSE of z-scored parameters, mean (95% interval)")
        name = found.learner.name if found.learner and not found.others else ""
        who = f"frozen {name} tokens".replace("  ", " ") if found.learner else "simple encodings"
        ax.set_title(f"{system}: physical parameters from {who}", loc="left", pad=16)
    save_figure(figure, Path(path), vector=False, dpi=160)
    return Path(path)

"""Contact sheet of sample fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..benchmark.directory import Samples
from ..palette import diverging
from .style import MUTED, paper

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


def sample_figure(samples: Samples, data: dict[str, Any]) -> Figure:
    """Rows are channels, columns are a few frames of a few trajectories."""
    from matplotlib.figure import Figure

    height, width = samples.fields.shape[4], samples.fields.shape[3]
    flat = height < 0.75 * width
    trajectories, frames = min(2 if flat else 3, len(samples.fields)), min(4, samples.fields.shape[2])
    channels = len(samples.channels)
    cell = 8.6 / (trajectories * frames + 1.4)
    with paper():
        tall = min(max(cell * height / width, 0.4 * cell), 2.2 * cell)
        figure = Figure(figsize=(8.6, 0.6 + tall * min(channels, 11)), layout="constrained")
        draw_samples(figure, samples, data, trajectories, frames, 11)
    return figure


def draw_samples(
    figure: Figure | SubFigure, samples: Samples, data: dict[str, Any], trajectories: int, frames: int, channels: int
) -> None:
    """Draw at most so many trajectories, frames and channels into a figure.

    The first spatial axis (x) runs to the right and the second (y) upwards. All frames of a channel share one colour
    scale: symmetric about zero for a signed field, between the percentiles 0.2 and 99.8 otherwise.
    """
    count = samples.fields.shape[1]
    # First, last, and evenly between: fields of different kinds lie apart.
    picked = np.unique(np.linspace(0, count - 1, min(channels, count)).round().astype(int))
    fields = samples.fields[:trajectories, picked]
    times = np.unique(np.linspace(0, fields.shape[2] - 1, frames).round().astype(int))
    blocks, rows = len(fields), fields.shape[1]
    # An empty narrow column keeps trajectories apart.
    ratios = [*([1.0] * len(times) + [0.12]) * blocks][:-1]
    axes = figure.subplots(rows, len(ratios), squeeze=False, width_ratios=ratios)
    for channel in range(rows):
        low, high, signed = _colour_range(fields[:, channel])
        image = None
        for column, ax in enumerate(axes[channel]):
            block, k = divmod(column, len(times) + 1)
            if k == len(times):
                ax.set_visible(False)
                continue
            picture = fields[block, channel, times[k]].T
            image = ax.imshow(picture, origin="lower", vmin=low, vmax=high, interpolation="nearest",
                              cmap=diverging() if signed else "cividis")  # fmt: skip
            ax.set(xticks=[], yticks=[])
            for spine in ax.spines.values():
                spine.set(visible=True, linewidth=0.3, color="#888888")
            if channel == rows - 1:
                ax.set_xlabel(_time(times[k], data), fontsize=7, color=MUTED, labelpad=2)
            if channel == 0:
                # The title spans its columns, none of which may grow for it; an empty one in each keeps the height.
                ax.set_title(" ", fontsize=8.5)
                if k == 0:
                    ax.set_title(_parameters(samples, block, data), loc="left", fontsize=8.5).set_in_layout(False)
        assert image is not None
        label = axes[channel, 0].set_ylabel(_channel(samples.channels[picked[channel]]), fontsize=8)
        if fields.shape[4] < 0.75 * fields.shape[3]:
            label.set(rotation=0, ha="right", va="center")  # upright labels would run into those of other rows
        bar = figure.colorbar(image, ax=list(axes[channel]), shrink=0.9, aspect=14, pad=0.008)
        bar.set_ticks([low, 0, high] if signed else [low, high])
        bar.set_ticklabels([f"{tick:.2g}".replace("-", "−") for tick in bar.get_ticks()])
        bar.ax.tick_params(labelsize=7, length=2)
        bar.outline.set_linewidth(0.3)


def _colour_range(values: np.ndarray) -> tuple[float, float, bool]:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return -1.0, 1.0, True
    low, high = (float(x) for x in np.percentile(finite, [0.2, 99.8]))
    if min(-low, high) > 0.02 * max(-low, high):
        limit = max(-low, high)
        return -limit, limit, True
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-30):
        return low - 0.5, high + 0.5, False
    return low, high, False


def _time(frame: int, data: dict[str, Any]) -> str:
    return f"t = {frame * data['dt']:.3g}" if "dt" in data else f"frame {frame}"


def _channel(name: str) -> str:
    stem, _, axis = name.rpartition("_")
    return f"{stem} {axis}" if stem and len(axis) <= 2 else name


def _parameters(samples: Samples, block: int, data: dict[str, Any]) -> str:
    known = {entry["name"]: entry for entry in data.get("parameters", [])}
    parts = []
    for name, value in zip(samples.parameter_names, samples.parameters[block], strict=True):
        entry = known.get(name, {})
        unit = entry.get("unit", "1")
        parts.append(f"{entry.get('symbol', name)} = {value:.3g}" + (f" {unit}" if unit not in ("1", "", None) else ""))
    return ", ".join(parts)

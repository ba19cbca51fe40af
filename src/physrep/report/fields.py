"""Contact sheet of sample fields."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..benchmark.directory import Samples
from .draw import WIDTH, Pictures, images
from .draw.types import Figure, SubFigure
from .style import paper

MOST_CHANNELS = 11


def sample_figure(samples: Samples, data: dict[str, Any]) -> Figure:
    """Rows are channels, columns are a few frames of a few trajectories."""
    from matplotlib.figure import Figure

    height, width = samples.fields.shape[4], samples.fields.shape[3]
    trajectories, frames = min(2 if height < 0.75 * width else 3, len(samples.fields)), min(4, samples.fields.shape[2])
    cell = WIDTH / (trajectories * frames + 1.4)
    with paper():
        tall = min(max(cell * height / width, 0.4 * cell), 2.2 * cell)
        size = (WIDTH, 0.6 + tall * min(len(samples.channels), MOST_CHANNELS))
        figure = Figure(figsize=size, layout="constrained")
        draw_samples(figure, samples, data, trajectories, frames, MOST_CHANNELS)
    return figure


def draw_samples(
    figure: Figure | SubFigure, samples: Samples, data: dict[str, Any], trajectories: int, frames: int, channels: int
) -> None:
    """Draw at most so many trajectories, frames and channels into a figure.

    All frames of a channel share one colour scale: symmetric about zero for a signed field, between the percentiles
    0.2 and 99.8 otherwise.
    """
    count = samples.fields.shape[1]
    # First, last, and evenly between: fields of different kinds lie apart.
    picked = np.unique(np.linspace(0, count - 1, min(channels, count)).round().astype(int))
    times = np.unique(np.linspace(0, samples.fields.shape[2] - 1, frames).round().astype(int))
    rows = []
    for channel in picked:
        values = samples.fields[:trajectories, channel][:, times]
        rows.append(Pictures.of_field(samples.channels[channel], values))
    titles = [_parameters(samples, block, data) for block in range(min(trajectories, len(samples.fields)))]
    images(figure, rows, titles, [_time(time, data) for time in times])


def _time(frame: int, data: dict[str, Any]) -> str:
    return f"t = {frame * data['dt']:.3g}" if "dt" in data else f"frame {frame}"


def _parameters(samples: Samples, block: int, data: dict[str, Any]) -> str:
    known = {entry["name"]: entry for entry in data.get("parameters", [])}
    parts = []
    for name, value in zip(samples.parameter_names, samples.parameters[block], strict=True):
        entry = known.get(name, {})
        unit = entry.get("unit", "1")
        parts.append(f"{entry.get('symbol', name)} = {value:.3g}" + (f" {unit}" if unit not in ("1", "", None) else ""))
    return ", ".join(parts)

"""Contact sheet of sample fields."""

from __future__ import annotations

from typing import Any

from ..benchmark.directory import Samples
from ..formats import parameter_texts
from ..metrics.spacing import evenly_spaced
from .draw import WIDTH, Pictures, image_figure
from .draw.types import Figure

MOST_CHANNELS = 11


def sample_figure(samples: Samples, data: dict[str, Any]) -> Figure:
    """Rows are channels, columns are a few frames of a few trajectories."""
    height, width = samples.fields.shape[4], samples.fields.shape[3]
    trajectories, frames = min(2 if height < 0.75 * width else 3, len(samples.fields)), min(4, samples.fields.shape[2])
    cell = WIDTH / (trajectories * frames + 1.4)
    tall = min(max(cell * height / width, 0.4 * cell), 2.2 * cell)
    size = (WIDTH, 0.6 + tall * min(len(samples.channels), MOST_CHANNELS))
    return image_figure(size, *sample_pictures(samples, data, trajectories, frames, MOST_CHANNELS))


def sample_pictures(
    samples: Samples, data: dict[str, Any], trajectories: int, frames: int, channels: int
) -> tuple[list[Pictures], list[str], list[str]]:
    """At most so many trajectories, frames and channels: rows of pictures, titles and times below, as `images` draws.

    All frames of a channel share one colour scale: symmetric about zero for a signed field, between the percentiles
    0.2 and 99.8 otherwise.
    """
    times = evenly_spaced(samples.fields.shape[2], frames)
    rows = []
    # Not the first ones: fields of different kinds lie apart.
    for channel in evenly_spaced(samples.fields.shape[1], channels):
        values = samples.fields[:trajectories, channel][:, times]
        rows.append(Pictures.of_field(samples.channels[channel], values))
    known = data.get("parameters", [])
    symbols = {own["name"]: own["symbol"] for own in known if "symbol" in own}
    units = {own["name"]: own.get("unit") for own in known}
    every = [dict(zip(samples.parameter_names, own, strict=True)) for own in samples.parameters[:trajectories]]
    titles = [parameter_texts(own, symbols, units) for own in every]
    return rows, titles, [_time(time, data) for time in times]


def _time(frame: int, data: dict[str, Any]) -> str:
    return f"t = {frame * data['dt']:.3g}" if "dt" in data else f"frame {frame}"

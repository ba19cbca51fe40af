"""Figures of the section ``explain``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...benchmark.run_lines import Line, line_score, lines
from ...formats import parameter_texts
from ...metrics.score import Score
from ...metrics.spacing import evenly_spaced
from ..draw import WIDTH, Pictures, Plot, curves, image_figure, scatter
from ..draw.types import Axes, Figure

FRAMES, SMOOTHED = 4, 4
"""Frames shown of a window, and points over which squared sensitivities are averaged along each axis."""


def saliency_figure(path: Path, rows: list[dict[str, str]], symbols: dict[str, str]) -> Figure:
    """Windows side by side, a few frames each: the channel that matters most, then a sensitivity map per parameter."""
    from scipy.ndimage import uniform_filter1d

    with np.load(path, allow_pickle=False) as file:
        fields, sensitivity, channels = file["fields"], file["sensitivity"], [str(c) for c in file["channels"]]
        names, labels, dt = [str(n) for n in file["parameter_names"]], file["labels"], float(file["dt"])
    shares = {c: sum(float(r["value"]) for r in rows if r["item"] == c and r["metric"] == "share_of_channel")
              for c in channels}  # fmt: skip
    top = max(range(len(channels)), key=lambda c: shares[channels[c]])
    # Size over the channels: one map per parameter, (windows, P, T, H, W).
    square = (sensitivity.astype(np.float64) ** 2).sum(2)
    # Strided encoders leave a grid in their gradients; it is their own and says nothing of the flow.
    for axis in (3, 4):
        square = uniform_filter1d(square, SMOOTHED, axis=axis, mode="nearest")
    size = np.sqrt(np.maximum(square, 0))
    # Each window has its own scale: the maps say where, not how much more than elsewhere.
    size /= np.maximum(np.percentile(size, 99.5, axis=(2, 3, 4), keepdims=True), 1e-300)
    windows = min(len(fields), 2 if fields.shape[3] >= fields.shape[4] else 3)
    times = evenly_spaced(fields.shape[2], FRAMES)
    grid = [Pictures.of_field(channels[top], fields[:windows, top][:, times], (0.5, 99.5), bar=False)]
    for k, name in enumerate(names):
        text = f"sensitivity\nof {symbols.get(name, name)}"
        grid.append(Pictures(text, size[:windows, k][:, times], 0.0, 1.0, "magma"))
    titles = [parameter_texts(dict(zip(names, own, strict=True)), symbols) for own in labels[:windows]]
    tall = min((WIDTH - 1.2) / (windows * len(times)) * fields.shape[4] / fields.shape[3], 1.9)
    return image_figure((WIDTH, 0.7 + len(grid) * tall), grid, titles, [f"+{time * dt:.2g}" for time in times])


def block_scores(rows: list[dict[str, str]], line: Line) -> dict[str, Score]:
    """Error of a line by block, from the input to the last."""
    blocks = dict.fromkeys(row["item"] for row in rows if row["run"] in line.runs)
    return {name: line_score(rows, line, item=name, parameter="mean") for name in blocks}


def layer_plot(rows: list[dict[str, str]]) -> Plot:
    """Error over depth, one line per run with an encoder."""
    everyone = lines(rows)
    found = []
    for line in everyone:
        for name, own in block_scores(rows, line).items():
            found.append({"curve": line.label, "colour": line.colour, "x": name, "y": own.value, "low": own.low,
                          "high": own.high})  # fmt: skip

    def draw(ax: Axes, first: bool) -> None:
        high = 1.08 * max(row["high"] if np.isfinite(row["high"]) else row["y"] for row in found)
        curves(ax, pd.DataFrame(found), limits=(0.0, min(high, 1.6)), categories=True, level=1.0)
        ax.set(xlabel="block", ylabel="test MSE, mean over parameters")

    return Plot([draw], 2.9, legend=[(line.label, line.colour, "-") for line in everyone])


def map_plot(path: Path, rows: list[dict[str, str]], parameters: list[dict[str, Any]]) -> Plot:
    """Scatter of the first two components: a column per run, a row per parameter."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    labels, names = arrays["labels"], [str(name) for name in arrays["parameter_names"]]
    own = [row for row in rows if row["question"] == "map"]
    shown = [line for line in lines(own) if f"points.{line.runs[0]}" in arrays][:8]
    wanted = [p for p in parameters if p["name"] in names][:3]

    def draw(ax: Axes, first: bool, line: Line, parameter: dict[str, Any]) -> None:
        points = arrays[f"points.{line.runs[0]}"]
        values = labels[:, names.index(parameter["name"])]
        low, high = np.percentile(points, [0.5, 99.5], axis=0)
        margin = 0.08 * (high - low) + 1e-9
        limits = tuple(zip((low - margin).tolist(), (high + margin).tolist(), strict=True))
        shade = np.argsort(np.argsort(values)) / max(len(values) - 1, 1)
        frame = pd.DataFrame({"x": points[:, 0], "y": points[:, 1], "shade": shade})
        scatter(ax, frame, limits=limits, size=2.5)  # type: ignore[arg-type]
        ax.set(xticks=[], yticks=[], ylabel=parameter["symbol"] if first else "")
        if parameter is wanted[0]:
            ax.set_title(line.label, color=line.colour, fontsize=8)
        if parameter is wanted[-1]:
            share = sum(line_score(own, line, item=f"component {k}").value for k in (1, 2))
            ax.set_xlabel(f"{share:.0%}", fontsize=7.5)

    panels = [partial(draw, line=line, parameter=parameter) for parameter in wanted for line in shown]
    return Plot(panels, WIDTH / max(len(shown), 4), across=len(shown), vector=False)

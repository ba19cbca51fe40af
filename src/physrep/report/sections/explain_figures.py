"""Figures of the section ``explain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...palette import diverging
from ..figures import WIDTH
from ..style import MUTED, paper
from .run_lines import lines, score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAMES, SMOOTHED = 4, 4
"""Frames shown of a window, and points over which squared sensitivities are averaged along each axis."""


def saliency_figure(path: Path, rows: list[dict[str, str]], symbols: dict[str, str]) -> Figure:
    """Windows side by side, a few frames each: the channel that matters most, then a sensitivity map per parameter."""
    from matplotlib.figure import Figure
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
    wide = fields.shape[3] >= fields.shape[4]
    windows = min(len(fields), 2 if wide else 3)
    times = np.unique(np.linspace(0, fields.shape[2] - 1, FRAMES).round().astype(int))
    ratios = [*([1.0] * len(times) + [0.15]) * windows][:-1]
    ratio = fields.shape[4] / fields.shape[3]
    with paper():
        cell = (WIDTH - 1.2) / (windows * len(times))
        figure = Figure(figsize=(WIDTH, 0.7 + (1 + len(names)) * min(cell * ratio, 1.9)), layout="constrained")
        axes = figure.subplots(1 + len(names), len(ratios), squeeze=False, width_ratios=ratios)
        for i, row in enumerate(axes):
            part = fields[:windows, top] if i == 0 else size[:windows, i - 1]
            limit = (float(np.percentile(np.abs(part), 99.5)) or 1.0) if i == 0 else 1.0
            for column, ax in enumerate(row):
                block, k = divmod(column, len(times) + 1)
                if k == len(times):
                    ax.set_visible(False)
                    continue
                low = 0.0 if i > 0 else -limit if part.min() < 0 else float(np.percentile(part, 0.5))
                ax.imshow(part[block, times[k]].T, origin="lower", vmin=low, vmax=limit, interpolation="nearest",
                          cmap=diverging() if low < 0 else "cividis" if i == 0 else "magma")  # fmt: skip
                ax.set(xticks=[], yticks=[])
                for spine in ax.spines.values():
                    spine.set(visible=True, linewidth=0.3, color="#888888")
                if i == len(names):
                    ax.set_xlabel(f"+{times[k] * dt:.2g}", fontsize=7, color=MUTED, labelpad=2)
                if i == 0:
                    ax.set_title(" ", fontsize=8)
                    if k == 0:
                        text = ", ".join(
                            f"{symbols.get(n, n)} = {v:.3g}" for n, v in zip(names, labels[block], strict=True)
                        )
                        ax.set_title(text.replace("-", "−"), loc="left", fontsize=8).set_in_layout(False)
            label = (
                channels[top].replace("_", " ")
                if i == 0
                else f"sensitivity\nof {symbols.get(names[i - 1], names[i - 1])}"
            )
            row[0].set_ylabel(label, fontsize=8, rotation=0, ha="right", va="center")
    return figure


def layer_figure(rows: list[dict[str, str]]) -> Figure:
    """Error over depth, one line per run with an encoder."""
    from matplotlib.figure import Figure

    everyone = lines(rows)
    with paper():
        figure = Figure(figsize=(WIDTH * 0.72, 2.9), layout="constrained")
        ax = figure.subplots()
        longest: list[str] = []
        for k, line in enumerate(everyone):
            stages = list(dict.fromkeys(row["item"] for row in rows if row["run"] in line.runs))
            longest = max(longest, stages, key=len)
            found = [score(rows, line, item=name, parameter="mean") for name in stages]
            x = np.arange(len(stages)) + 0.05 * (k - (len(everyone) - 1) / 2)
            value, low, high = (np.array(part) for part in zip(*found, strict=True))
            ax.errorbar(x, value, yerr=[np.maximum(value - low, 0), np.maximum(high - value, 0)], color=line.tint,
                        marker="o", ms=4, lw=1.4, elinewidth=0.8, label=line.label)  # fmt: skip
        ax.axhline(1.0, color="#bbbbbb", lw=0.8, ls=(0, (2, 2)))
        ax.set_xticks(range(len(longest)), longest)
        ax.set_ylim(0, None)
        ax.set(xlabel="block", ylabel="test MSE, mean over parameters")
        figure.legend(loc="outside right center", fontsize=8, frameon=False)
    return figure


def map_figure(path: Path, rows: list[dict[str, str]], parameters: list[dict[str, Any]]) -> Figure:
    """Scatter of the first two components: a column per run, a row per parameter."""
    from matplotlib.figure import Figure

    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    labels, names = arrays["labels"], [str(name) for name in arrays["parameter_names"]]
    own = [row for row in rows if row["question"] == "map"]
    shown = [line for line in lines(own) if f"points.{line.runs[0]}" in arrays][:8]
    wanted = [p for p in parameters if p["name"] in names][:3]
    with paper():
        width = WIDTH / max(len(shown), 4)
        figure = Figure(figsize=(WIDTH, 0.45 + width * len(wanted)), layout="constrained")
        axes = figure.subplots(len(wanted), max(len(shown), 1), squeeze=False)
        for column, line in enumerate(shown):
            points = arrays[f"points.{line.runs[0]}"]
            limits = np.percentile(points, [0.5, 99.5], axis=0)
            margin = 0.08 * (limits[1] - limits[0]) + 1e-9
            share = sum(score(own, line, item=f"component {k}").value for k in (1, 2))
            for ax, parameter in zip(axes[:, column], wanted, strict=True):
                values = labels[:, names.index(parameter["name"])]
                rank = np.argsort(np.argsort(values)) / max(len(values) - 1, 1)
                ax.scatter(*points.T, c=rank, s=2.5, cmap="cividis", lw=0, rasterized=True)
                ax.set(xticks=[], yticks=[], xlim=limits[:, 0] + [-margin[0], margin[0]],
                       ylim=limits[:, 1] + [-margin[1], margin[1]])  # fmt: skip
            axes[0, column].set_title(line.label, color=line.tint, fontsize=8)
            axes[-1, column].set_xlabel(f"{share:.0%}", fontsize=7.5, color=MUTED)
        for ax, parameter in zip(axes[:, 0], wanted, strict=True):
            ax.set_ylabel(parameter["symbol"])
    return figure

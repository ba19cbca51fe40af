"""What the models see: samples, and the instability of the published scheme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..learners.rendering import ColourScale, render
from ..report.figures import WIDTH
from ..report.style import INK, MUTED, paper
from .config import StudyConfig
from .data import StudyData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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


def _bar(ax: Axes, scale: ColourScale) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    mappable = ScalarMappable(Normalize(scale.low, scale.high), ListedColormap(scale.table.tolist()))
    bar = ax.figure.colorbar(mappable, ax=ax, fraction=0.05, pad=0.03, ticks=[scale.low, scale.high])
    bar.ax.set_yticklabels([f"{scale.low:.2g}", f"{scale.high:.2g}"], fontsize=7)
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


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


def _row_title(ax: Axes, text: str) -> None:
    """A title above a row of pictures that reserves height but no width."""
    ax.set_title(" ", fontsize=8.5)
    ax.text(0, 1.06, text, transform=ax.transAxes, fontsize=8.5, color=INK, va="bottom").set_in_layout(False)

"""What the models see: samples, and the instability of the published scheme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..learners.rendering import ColourScale, render
from ..report.draw import WIDTH, Pictures, images
from ..report.style import paper
from .config import StudyConfig
from .data import StudyData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def samples_figure(config: StudyConfig, data: StudyData, scales: Mapping[str, ColourScale], columns: int = 6) -> Figure:
    """One simulation of every set at evenly spaced times, in the very colours that the models see."""
    frames = np.linspace(0, config.frames - 1, columns).round().astype(int)
    rows = []
    for name in data.sets:
        own = data.rows(name)
        row = int(own[len(own) // 3])
        values = "\n".join(f"{k} {v:.3g}" for k, v in data.simulations[row]["parameters"].items())
        rows.append(_pictures(f"{name}\n{values}", data, row, frames, scales[name], bar=True))
    return _figure(rows, frames, 1.3)


def instability_figure(data: StudyData, name: str, scale: ColourScale, limit: float) -> Figure:
    """Frames of the explicit scheme below and above its stability limit, in the published colours."""
    rows = data.rows(name)
    alpha = data.parameter("diffusivity", rows)
    wanted = [0.8 * limit, 1.04 * limit, 1.3 * limit, float(alpha.max())]
    picked = list(dict.fromkeys(int(np.abs(alpha - value).argmin()) for value in wanted))
    count = data.fields.shape[1]
    frames = np.unique(np.clip([0, 2, 4, 9, 19, count - 1], 0, count - 1))
    shown = []
    for index in picked:
        state = "stable" if alpha[index] <= limit else "unstable"
        text = f"α = {alpha[index]:.2f}\n{state}\n(limit {limit:g})"
        shown.append(_pictures(text, data, int(rows[index]), frames, scale))
    return _figure(shown, frames, 1.2)


def _pictures(
    label: str, data: StudyData, row: int, frames: np.ndarray, scale: ColourScale, bar: bool = False
) -> Pictures:
    from matplotlib.colors import ListedColormap

    seen = render(data.fields[row : row + 1, frames], scale)[0].permute(0, 2, 3, 1).numpy()
    # x points down and y to the right, as in the published pictures.
    colours = ListedColormap(scale.table.tolist())
    return Pictures(label, np.swapaxes(seen[:, ::-1], 1, 2)[None], scale.low, scale.high, colours, bar)


def _figure(rows: Sequence[Pictures], frames: np.ndarray, height: float) -> Figure:
    from matplotlib.figure import Figure

    with paper():
        figure = Figure(figsize=(WIDTH, height * len(rows) + 0.25), layout="constrained")
        images(figure, rows, below=[f"frame {frame + 1}" for frame in frames])
    return figure

"""What the models see: samples, and the instability of the published scheme."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..learners.rendering import ColourScale, render
from ..report.draw import WIDTH, Pictures, image_figure
from ..report.draw.types import Figure
from .config import StudyConfig
from .data import StudyData


def samples_figure(config: StudyConfig, data: StudyData, scales: Mapping[str, ColourScale]) -> Figure:
    """One simulation of every set at evenly spaced times, in the very colours that the models see."""
    frames = np.linspace(0, config.frames - 1, 6).round().astype(int)
    rows = []
    for name in data.sets:
        own = data.rows(name)
        row = int(own[len(own) // 3])
        values = "\n".join(f"{k} {v:.3g}" for k, v in data.simulations[row]["parameters"].items())
        rows.append(_pictures(f"{name}\n{values}", data, row, frames, scales[name], bar=True))
    return image_figure((WIDTH, 1.3 * len(rows) + 0.25), rows, below=[f"frame {frame + 1}" for frame in frames])


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
    return image_figure((WIDTH, 1.2 * len(shown) + 0.25), shown, below=[f"frame {frame + 1}" for frame in frames])


def _pictures(
    label: str, data: StudyData, row: int, frames: np.ndarray, scale: ColourScale, bar: bool = False
) -> Pictures:
    from matplotlib.colors import ListedColormap

    seen = render(data.fields[row : row + 1, frames], scale)[0].permute(0, 2, 3, 1).numpy()
    # x points down and y to the right, as in the published pictures.
    colours = ListedColormap(scale.table.tolist())
    return Pictures(label, np.swapaxes(seen[:, ::-1], 1, 2)[None], scale.low, scale.high, colours, bar)

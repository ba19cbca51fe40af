"""Maps of the attentive probe's attention over the field."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...benchmark.directory import Bench
from ...palette import diverging
from ..figures import WIDTH, save_figure
from ..section import Picture, Section, Table
from ..style import MUTED, number, paper
from .run_lines import Line, lines

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def attention_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """How many tokens are attended to, and where for the best learner."""
    groups = lines(rows)
    used = {line.name: _value(line, "tokens_used") for line in groups}
    widest, narrowest = max(used, key=lambda n: used[n]), min(used, key=lambda n: used[n])
    sentence = (
        f"The attentive probe averages over {100 * used[widest]:.0f} % of the tokens of {widest} (most) and "
        f"{100 * used[narrowest]:.0f} % of those of {narrowest} (fewest), counted as exp(entropy) / tokens."
    )
    section = Section("attention", "Where the probe looks", [sentence])
    path = bench.folder / "analyses" / "attention_maps.npz"
    if path.is_file():
        title = str(np.load(path, allow_pickle=False)["run"]).rpartition("-s")[0]
        name = next((line.name for line in groups if line.title == title), title)
        caption = (
            f"Test windows of one channel, and below each latent frame of {name} the attention of the probe, mean over "
            "heads, relative to an even share (1: even; brighter: more). Attention says what is averaged, not what is "
            "used of it."
        )
        figure = _figure(path)
        uri = save_figure(figure, bench.folder / "figures" / "attention.png", vector=False, dpi=130)
        inches = min(WIDTH, figure.get_figwidth())
        width = f"{7 * inches:.0f}rem"
        section.pictures.append(Picture(uri, "Attention of the probe over the field", caption, width))
    header = ["Encoder", "share of tokens used", "attention by latent frame"]
    body = [[line.name, number(used[line.name]), _frames(line)] for line in groups]
    section.tables.append(Table(header, body, "Early frames first."))
    return section


def _value(line: Line, metric: str) -> float:
    return float(next(row["value"] for row in line.rows if row["metric"] == metric))


def _frames(line: Line) -> str:
    first = line.rows[0]["run"]
    shares = [row["value"] for row in line.rows if row["metric"] == "share_of_frame" and row["run"] == first]
    return ", ".join(number(float(share), 2) for share in shares) or "–"


def _figure(path: Path) -> Figure:
    from matplotlib.figure import Figure

    with np.load(path, allow_pickle=False) as file:
        fields, attention = file["fields"], file["attention"]
        channels, dt = [str(c) for c in file["channels"]], float(file["dt"])
    shown = 0
    frames = attention.shape[1]
    relative = attention * attention[0].size
    top = float(np.percentile(relative, 99))
    ratio = fields.shape[4] / fields.shape[3]
    columns = len(fields) * frames
    cell = min((WIDTH - 0.8) / columns, 1.1, 2.2 / ratio)
    with paper():
        figure = Figure(figsize=(0.8 + columns * cell, 0.5 + 2 * cell * ratio), layout="constrained")
        axes = figure.subplots(2, columns, squeeze=False)
        limit = float(np.percentile(np.abs(fields[:, shown]), 99.5)) or 1.0
        low = -limit if fields[:, shown].min() < 0 else 0.0
        for column in range(columns):
            window, t = divmod(column, frames)
            # The middle of the frames that a latent frame stands for.
            frame = int((t + 0.5) * fields.shape[2] / frames)
            image = fields[window, shown, frame].T
            axes[0, column].imshow(image, origin="lower", vmin=low, vmax=limit, cmap=diverging() if low else "cividis")
            drawn = axes[1, column].imshow(relative[window, t].T, origin="lower", vmin=0, vmax=top, cmap="magma")
            axes[1, column].set_xlabel(f"+{frame * dt:.2g}", fontsize=7, color=MUTED, labelpad=2)
            for ax in axes[:, column]:
                ax.set(xticks=[], yticks=[])
        axes[0, 0].set_ylabel(channels[shown].replace("_", " "), fontsize=8)
        axes[1, 0].set_ylabel("attention", fontsize=8)
        figure.colorbar(drawn, ax=axes.ravel().tolist(), shrink=0.5, anchor=(0, 0), pad=0.02).ax.tick_params(
            labelsize=7
        )
    return figure

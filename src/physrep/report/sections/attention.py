"""Maps of the attentive probe's attention over the field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from ...benchmark.directory import Bench
from ...benchmark.run_lines import Line, lines
from ...formats import NOTHING, number
from ..draw import WIDTH, Pictures, image_figure
from ..draw.types import Figure
from ..section import Section, Table


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
        section.show(_figure(path), bench.folder, "attention", "Attention of the probe over the field", caption, 130)
    frame = pd.DataFrame(
        {
            "Encoder": [line.name for line in groups],
            "share of tokens used": [used[line.name] for line in groups],
            "attention by latent frame": [_frames(line) for line in groups],
        }
    )
    section.tables.append(Table(frame, "Early frames first."))
    return section


def _value(line: Line, metric: str) -> float:
    return float(next(row["value"] for row in line.rows if row["metric"] == metric))


def _frames(line: Line) -> str:
    first = line.rows[0]["run"]
    shares = [row["value"] for row in line.rows if row["metric"] == "share_of_frame" and row["run"] == first]
    return ", ".join(number(float(share), 2) for share in shares) or NOTHING


def _figure(path: Path) -> Figure:
    with np.load(path, allow_pickle=False) as file:
        fields, attention = file["fields"], file["attention"]
        channels, dt = [str(c) for c in file["channels"]], float(file["dt"])
    frames = attention.shape[1]
    relative = attention * attention[0].size
    # The middle of the frames that a latent frame stands for.
    times = [int((t + 0.5) * fields.shape[2] / frames) for t in range(frames)]
    grid = [
        Pictures.of_field(channels[0], fields[:, 0][:, times], (0.5, 99.5), among=fields[:, 0]),
        Pictures("attention", relative, 0.0, float(np.percentile(relative, 99)), "magma", bar=True),
    ]
    ratio = fields.shape[4] / fields.shape[3]
    columns = len(fields) * frames
    cell = min((WIDTH - 0.8) / columns, 1.1, 2.2 / ratio)
    size = (0.8 + columns * cell, 0.5 + 2 * cell * ratio)
    return image_figure(size, grid, below=[f"+{time * dt:.2g}" for time in times])

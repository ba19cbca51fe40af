"""How many times its clean error an encoder makes under each shift, at the level that is worst for it."""

from __future__ import annotations

import math

import pandas as pd

from ...formats import NOTHING, number
from ...section import Table
from .cells import Cells, Encoder
from .sentences import MOST, where


def degradation_table(cells: Cells) -> Table:
    """One row per encoder, one column per shift: ratio to the same trajectories without the shift, and where."""
    header = ["encoder", "kind", "clean MSE", *(shift.replace("_", " ") for shift in cells.shifts)]
    rows = []
    for encoder in cells.encoders:
        clean = cells.clean(encoder)
        row = [encoder.label, encoder.kind, clean.value if clean else math.nan]
        rows.append(row + [_entry(cells, encoder, shift) for shift in cells.shifts])
    caption = (
        "MSE under the shift divided by that of the same test trajectories without it, at the level (in brackets) that "
        "is worst for the encoder: 1 is no loss. Extrapolation: MSE of the parameter that is extrapolated; all others: "
        "mean over parameters. All levels, parameters and intervals are in analyses/generalisation.csv."
    )
    return Table(pd.DataFrame(rows, columns=header), caption)


def _entry(cells: Cells, encoder: Encoder, shift: str) -> str:
    worst = cells.worst(encoder, shift)
    if worst is None:
        return NOTHING
    subject, level, cell = worst
    # A column of channels need not say that they are missing.
    place = subject if level == "missing" else where(subject, level)
    ratio = f"> {MOST:.0f}" if cell.ratio > MOST else number(cell.ratio, 1 if cell.ratio >= 10 else 2)
    return f"{ratio} ({place})"

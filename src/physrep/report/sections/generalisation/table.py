"""Tables of a study of transfer: how many times its clean error an encoder makes under each shift, and the errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from ....benchmark.run_lines import Line
from ....benchmark.shift_cells import Cells
from ....formats import NOTHING, number
from ...section import Table
from .sentences import MOST, error, where

ANALYSIS = "generalisation"


def leads_with_transfer(bench: Any) -> bool:
    """Whether the configuration asks for this headline (``analyses: {generalisation: {headline: true}}``)."""
    options: Any = (getattr(bench, "config", None) or {}).get("analyses", {}).get(ANALYSIS) or {}
    return bool(options.get("headline"))


def degradation_table(cells: Cells) -> Table:
    """One row per encoder, one column per shift: ratio to the same trajectories without the shift, and where."""
    caption = (
        "MSE under the shift divided by that of the same test trajectories without it, at the level (in brackets) that "
        "is worst for the encoder: 1 is no loss. Extrapolation: MSE of the parameter that is extrapolated; all others: "
        "mean over parameters. All levels, parameters and intervals are in analyses/generalisation.csv."
    )
    return _table(cells, "clean MSE", lambda value: value, lambda encoder, shift: _loss(cells, encoder, shift), caption)


def transfer_table(cells: Cells) -> Table:
    """MSE of every encoder, clean and at the level of every shift that is worst for it."""
    caption = (
        "Test MSE, mean over parameters, of encoders and probes that were made on clean data: clean, and at the level "
        "of each shift that is worst for the encoder. A constant has about 1. All levels with their intervals are in "
        "analyses/generalisation.csv."
    )

    def worst(encoder: Line, shift: str) -> str:
        one = cells.worst(encoder, shift, by="value")
        return NOTHING if one is None else error(one[2].value)

    return _table(cells, "clean", number, worst, caption)


def _table(
    cells: Cells, head: str, clean: Callable[[float], Any], entry: Callable[[Line, str], str], caption: str
) -> Table:
    columns: dict[str, list[Any]] = {
        "encoder": [encoder.label for encoder in cells.encoders],
        "kind": [encoder.kind for encoder in cells.encoders],
        head: [clean(own.value if (own := cells.clean(encoder)) else math.nan) for encoder in cells.encoders],
    }
    for shift in cells.shifts:
        columns[shift.replace("_", " ")] = [entry(encoder, shift) for encoder in cells.encoders]
    return Table(pd.DataFrame(columns), caption)


def _loss(cells: Cells, encoder: Line, shift: str) -> str:
    worst = cells.worst(encoder, shift)
    if worst is None:
        return NOTHING
    subject, level, cell = worst
    # A column of channels need not say that they are missing.
    place = subject if level == "missing" else where(subject, level)
    ratio = f"> {MOST:.0f}" if cell.ratio > MOST else number(cell.ratio, 1 if cell.ratio >= 10 else 2)
    return f"{ratio} ({place})"

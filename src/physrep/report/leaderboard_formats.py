"""A leaderboard as text, Markdown or CSV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd

from ..benchmark.leaderboard import BoardRow
from ..formats import NOTHING, interval, number
from ..learners.identity import KINDS
from ..metrics.score import Score
from .tables import as_markdown, as_terminal

FORMATS = ("text", "markdown", "csv")
CAPTION = (
    "Rank by mean test MSE per trajectory, averaged over systems (1 is best), with its 95% interval from a bootstrap "
    "over test trajectories and seeds; only encoders that see no labels before the probe are ranked."
)


def board_table(lines: Sequence[BoardRow], systems: Sequence[str]) -> pd.DataFrame:
    """Texts: title, encoder, group, mean rank, its interval, systems, seeds, MSE per system."""
    header = ["Title", "Encoder", "Group", "mean rank", "95%", "systems", "seeds", *(f"MSE {name}" for name in systems)]
    rows = []
    for line in lines:
        ranks = interval(Score(line.rank, line.low, line.high), partial(number, digits=1)) or NOTHING
        rows.append(
            [line.title, line.encoder or NOTHING, KINDS.get(line.kind, line.kind).lower(), number(line.rank, 2), ranks,
             str(len(line.mse)), str(line.seeds), *(number(line.mse.get(name, math.nan)) for name in systems)]
        )  # fmt: skip
    return pd.DataFrame(rows, columns=header)


def format_board(lines: Sequence[BoardRow], systems: Sequence[str], style: str = "text") -> str:
    """The leaderboard in one of `FORMATS`; the numbers of CSV are not rounded."""
    if style == "csv":
        rows = [
            {"title": line.title, "encoder": line.encoder, "kind": line.kind, "mean_rank": line.rank,
             "rank_low": line.low, "rank_high": line.high, "systems": len(line.mse), "seeds": line.seeds,
             **{f"mse_{name}": line.mse.get(name, math.nan) for name in systems}}
            for line in lines
        ]  # fmt: skip
        return pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    table = board_table(lines, systems)
    if style == "markdown":
        return f"{as_markdown(table, 3)}\n{CAPTION}\n"
    return as_terminal(table, 3, CAPTION)

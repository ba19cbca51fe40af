"""A leaderboard as text, Markdown or CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence

from ..benchmark.leaderboard import Line
from ..learners.identity import KINDS
from .formats import number

FORMATS = ("text", "markdown", "csv")
CAPTION = (
    "Rank by mean test MSE per trajectory, averaged over systems (1 is best), with its 95% interval from a bootstrap "
    "over test trajectories and seeds; only encoders that see no labels before the probe are ranked."
)


def board_table(lines: Sequence[Line], systems: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Header and rows of texts: title, encoder, group, mean rank, its interval, systems, seeds, MSE per system."""
    header = ["Title", "Encoder", "Group", "mean rank", "95%", "systems", "seeds", *(f"MSE {name}" for name in systems)]
    rows = []
    for line in lines:
        known = math.isfinite(line.low + line.high)
        interval = f"[{number(line.low, 1)}, {number(line.high, 1)}]" if known else "–"
        rows.append(
            [line.title, line.encoder or "–", KINDS.get(line.kind, line.kind).lower(), number(line.rank, 2), interval,
             str(len(line.mse)), str(line.seeds), *(number(line.mse.get(name, math.nan)) for name in systems)]
        )  # fmt: skip
    return header, rows


def format_board(lines: Sequence[Line], systems: Sequence[str], style: str = "text") -> str:
    """The leaderboard in one of `FORMATS`; the numbers of CSV are not rounded."""
    if style == "csv":
        return _csv(lines, systems)
    header, rows = board_table(lines, systems)
    if style == "markdown":
        marks = ["---", "---", "---", *["---:"] * (len(header) - 3)]
        cells = [header, marks, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in cells) + f"\n\n{CAPTION}\n"
    widths = [max(len(row[k]) for row in [header, *rows]) for k in range(len(header))]

    def text(row: list[str]) -> str:
        cells = [c.ljust(w) if k < 3 else c.rjust(w) for k, (c, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(cells).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    return "\n".join([text(header), rule, *map(text, rows), rule, CAPTION]) + "\n"


def _csv(lines: Sequence[Line], systems: Sequence[str]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["title", "encoder", "kind", "mean_rank", "rank_low", "rank_high", "systems", "seeds",
                     *(f"mse_{name}" for name in systems)])  # fmt: skip
    for line in lines:
        values = [line.rank, line.low, line.high]
        writer.writerow(
            [line.title, line.encoder, line.kind, *(repr(v) if math.isfinite(v) else "" for v in values), len(line.mse),
             line.seeds, *(repr(line.mse[name]) if name in line.mse else "" for name in systems)]
        )  # fmt: skip
    return out.getvalue()

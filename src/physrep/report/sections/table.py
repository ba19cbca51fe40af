"""The section of an analysis that brings none of its own: its first rows as they are."""

from __future__ import annotations

import math

from ...benchmark.directory import Bench
from ...benchmark.entries import to_float
from ...learners.identity import default_label
from ..section import Section, Table

MOST = 40
_HIDDEN = ("run", "learner", "encoder", "kind", "seed", "learner_label", "learner_colour")


def table_section(bench: Bench, rows: list[dict[str, str]], *, name: str, note: str = "") -> Section:
    """A table of the first `MOST` rows, without the columns that only tell which run it was.

    Args:
        bench: the benchmark.
        rows: of the analysis.
        name: of the analysis, or its import path.
        note: a sentence above the table.
    """
    columns = [column for column in (rows[0] if rows else {}) if column not in _HIDDEN]
    body = [[_cell(row[column]) for column in columns] for row in rows[:MOST]]
    said = f"The first {MOST} of {len(rows)} rows" if len(rows) > MOST else "All rows"
    caption = f"{said} of analyses/{name}.csv."
    sentences = [note] if note else []
    title = default_label(name).replace("_", " ").capitalize()
    return Section(name, title, sentences, [], [Table.of(columns, body, caption)])


def _cell(text: str) -> str | int | float:
    """Numbers as such, everything else as it is."""
    if text.lstrip("-").isdigit():
        return int(text)
    value = to_float(text)
    return text if math.isnan(value) else value

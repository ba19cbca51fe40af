"""The trials of the equal search: what was tried for every learner, what valid said, and what was chosen."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from ...benchmark.directory import Bench
from ...benchmark.entries import to_float
from ...benchmark.search import FAILED
from ...files import read_csv
from ...formats import number, operations
from ..section import Section, Table


def search_sections(bench: Bench) -> list[Section]:
    """One section where settings were searched, else none."""
    table = search_table(bench)
    if table is None:
        return []
    rows = _rows(bench)
    counts = Counter(row["title"] for row in rows)
    each = " or ".join(map(str, sorted(set(counts.values()))))
    said = [
        f"{each} trials of every learner, each with the same operations of training, read by the same probe on "
        "valid; test was not opened."
    ]
    for title in counts:
        own = [row for row in rows if row["title"] == title]
        values = [to_float(row["valid_mse"]) for row in own if to_float(row["valid_mse"]) < FAILED]
        best = next((row for row in own if row["chosen"] == "True"), None)
        if best is not None and values:
            span = f"valid MSE {number(min(values))} to {number(max(values))}"
            said.append(f"{_label(bench, best)}: {span}, chosen trial {best['trial']}.")
    return [Section("search", "What was searched", said, [], [table], note="Numbers: search.csv.")]


def search_table(bench: Bench) -> Table | None:
    """Learner, trial, settings, valid score and the chosen one, a row per trial; None where nothing was searched."""
    rows = _rows(bench)
    if not rows:
        return None
    body: dict[str, list[Any]] = {
        "Learner": [_label(bench, row) for row in rows],
        "Trial": [int(row["trial"]) for row in rows],
        "Settings": [row["settings"] for row in rows],
        "Steps": [row["steps"] or None for row in rows],
        "Operations": [operations(to_float(row["flops"])) for row in rows],
        "valid MSE": [v if (v := to_float(row["valid_mse"])) < FAILED else "failed" for row in rows],
        "": ["chosen" if row["chosen"] == "True" else "" for row in rows],
    }
    caption = (
        "All trials of the search: mean MSE per trajectory on valid, 1 for a constant. The chosen settings were "
        "trained for every seed; the operations of a trial are its whole training."
    )
    return Table(pd.DataFrame(body, dtype=object), caption)


def _rows(bench: Bench) -> list[dict[str, str]]:
    path = bench.folder / "search.csv"
    return read_csv(path) if path.is_file() else []


def _label(bench: Bench, row: dict[str, str]) -> str:
    """Label of the learner whose settings they are, as the result table has it."""
    return next((entry.label for entry in bench.entries if entry.run == row["title"]), row["title"])

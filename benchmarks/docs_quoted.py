"""Numbers in sentences, held against the tables that they are quoted from.

A page ends with a comment that names the source of every score that its sentences quote:

    <!-- quoted
    0.107 [0.046, 0.170] | rayleigh_benard_operations_2026-11-27 | JEPA (clips, any windows)
    0.161 | quick_2026-11-27 | Dynamic modes | Schmidt
    0.20 | docs/generalisation.md
    -->

that is the number as it stands in the sentence, and a table of docs/tables with a label and, unless it is the mean, a
parameter; or a page that holds the number. With brackets the interval is meant. Every number of two or more decimals
below 1 that stands in a sentence is taken for a score and must be in the list, or in a table of the page that was
written by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

import docs_blocks
import pandas as pd

_LIST = re.compile(r"<!-- quoted\n(.*?)-->", re.S)
_SCORE = re.compile(r"(?<![\w.])0\.\d{2,}(?![\w.]*\d)")


def faults(text: str, root: Path) -> list[str]:
    """What is wrong with the numbers in the sentences of a page, one line each."""
    quotes = [line.split(" | ") for found in _LIST.findall(text) for line in found.strip().splitlines()]
    sentences = prose(text)
    found = []
    for quoted, source, *cell in quotes:
        if not holds(sentences, quoted):
            found.append(f"{quoted} is in the list, but in no sentence")
        if not cell:
            if not holds((root / source).read_text(encoding="utf-8"), quoted):
                found.append(f"{quoted} is not in {source}")
        elif (expected := rendered(root / "docs" / "tables" / f"{source}.csv", "[" in quoted, *cell)) != quoted:
            found.append(f"{quoted} is {expected} in {source}, {', '.join(cell)}")
    by_hand = re.sub(r"<!-- .*?<!-- end of table -->", "", text, flags=re.S)
    cells = "\n".join(line for line in by_hand.splitlines() if line.startswith("|"))
    listed = " ".join(quoted for quoted, *_ in quotes)
    found += [
        f"{number} stands in a sentence and has no source"
        for number in _SCORE.findall(sentences)
        if not holds(listed, number) and not holds(cells, number)
    ]
    return found


def rendered(table: Path, interval: bool, label: str, parameter: str = "mean") -> str:
    """A score as tables show it; empty if there is none."""
    rows = pd.read_csv(table)
    own = rows[rows["chosen"] & (rows["label"] == label) & (rows["parameter"] == parameter) & (rows["metric"] == "mse")]
    if own.empty:
        return ""
    return docs_blocks.with_interval(own.iloc[0]) if interval else docs_blocks.small(own.iloc[0]["value"])


def prose(text: str) -> str:
    """Sentences of a page on one line: no comments, tables, code and links' targets."""
    text = re.sub(r"<!--.*?-->|```.*?```|\]\([^)]*\)", " ", text, flags=re.S)
    kept = [line for line in text.splitlines() if not line.startswith(("|", "    ", "#"))]
    return re.sub(r"\s+", " ", re.sub(r"`[^`]*`", " ", " ".join(kept)))


def holds(text: str, quoted: str) -> bool:
    """Whether a number stands in a text, and not as a part of a longer one."""
    return re.search(rf"(?<![\w.]){re.escape(quoted)}(?![\w.]*\d)", text) is not None

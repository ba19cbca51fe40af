"""Lines of a document between two marks, which a benchmark writes anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_between(document: str | Path, marks: tuple[str, str], lines: Sequence[str]) -> None:
    """Put ``lines`` between the marks of a document.

    Args:
        document: Markdown file that holds both.
        marks: first and last.
        lines: what is written.

    Raises:
        ValueError: a mark is not in the document.
    """
    text = Path(document).read_text(encoding="utf-8")
    head, first, rest = text.partition(marks[0])
    _, last, tail = rest.partition(marks[1])
    if not first or not last:
        raise ValueError(f"{document}: has no lines {marks[0]} and {marks[1]}; add them where the table belongs.")
    Path(document).write_text("\n".join([head + marks[0], "", *lines, "", marks[1] + tail]), encoding="utf-8")

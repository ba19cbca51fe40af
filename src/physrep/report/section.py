"""One part of the page that shows an analysis: what it says first, then figures and tables."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Table:
    """A table of texts; ``numeric`` columns (from the left, default all but the first) are set to the right."""

    header: list[str]
    rows: list[list[str]]
    caption: str = ""
    text_columns: int = 1


@dataclass
class Picture:
    """A figure as a data URI (of `physrep.report.figures.save_figure`), with what it shows.

    ``width`` is the largest width on the page in CSS units, for figures that must not fill it.
    """

    uri: str
    alt: str
    caption: str
    width: str = ""


@dataclass
class Section:
    """A part of the page.

    Attributes:
        name: of the analysis; the anchor of the section.
        title: heading.
        sentences: what the numbers say, first.
        pictures, tables: in this order.
    """

    name: str
    title: str
    sentences: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

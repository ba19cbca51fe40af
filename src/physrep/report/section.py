"""One part of the page that shows an analysis: what it says first, then figures and tables."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import pandas as pd

from ..formats import NOTHING, column_format, interval
from ..metrics.score import Score
from .draw import Plot, save_figure
from .draw.types import Figure


@dataclass
class Table:
    """A table of numbers, scores with intervals, and texts.

    Attributes:
        frame: cells are texts, numbers or `Score`; columns of texts are set to the left, all others to the right.
        caption: what it shows.
        digits: decimals of a column, 3 unless it is named here. All numbers of a column have one format.
    """

    frame: pd.DataFrame
    caption: str = ""
    digits: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(
        cls, head: Sequence[str], lines: Sequence[Sequence[Any]], caption: str, digits: int | Mapping[str, int] = 3
    ) -> Table:
        """A table from the names of its columns and its lines; one number of ``digits`` is that of all columns."""
        frame = pd.DataFrame(lines, columns=list(head), dtype=object)
        return cls(frame, caption, dict.fromkeys(head, digits) if isinstance(digits, int) else digits)

    def texts(self) -> pd.DataFrame:
        """The same with every cell as text."""
        return pd.DataFrame({name: [text for text, _ in cells] for name, cells in self._cells().items()})

    def _cells(self) -> dict[Any, list[tuple[str, str]]]:
        return {name: column_texts(self.frame[name], self.digits.get(name, 3)) for name in self.frame.columns}

    def numeric(self, name: Any) -> bool:
        """Whether a column holds numbers."""
        return any(isinstance(cell, Score) or _is_number(cell) for cell in self.frame[name])

    def markup(self) -> str:
        """The table for a page."""
        kinds = {name: ' class="n"' if self.numeric(name) else "" for name in self.frame.columns}
        head = "".join(f"<th{kind}>{html.escape(str(name))}</th>" for name, kind in kinds.items())
        rows = [
            "".join(f"<td{kind}>{_cell(*cell)}</td>" for kind, cell in zip(kinds.values(), row, strict=True))
            for row in zip(*self._cells().values(), strict=True)
        ]
        body = "\n".join(f"<tr>{row}</tr>" for row in rows)
        return f'<table class="wide"><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>'


def column_texts(cells: Any, digits: int) -> list[tuple[str, str]]:
    """Text of every cell of a column and of its interval, all numbers in one format."""
    numbers = [cell.value if isinstance(cell, Score) else float(cell) for cell in cells
               if isinstance(cell, Score) or _is_number(cell)]  # fmt: skip
    text = column_format(numbers, digits)
    whole = all(isinstance(cell, Integral) for cell in cells if _is_number(cell))
    found = []
    for cell in cells:
        if isinstance(cell, Score):
            found.append((text(cell.value), interval(cell, text)))
        elif _is_number(cell):
            found.append((str(cell) if whole else text(float(cell)), ""))
        else:
            found.append((NOTHING if cell is None else str(cell), ""))
    return found


def _is_number(cell: Any) -> bool:
    return isinstance(cell, Real) and not isinstance(cell, bool)


def _cell(text: str, small: str) -> str:
    return html.escape(text) + (f"<small>{html.escape(small)}</small>" if small else "")


@dataclass
class Picture:
    """A figure as markup (of `physrep.report.draw.Plot.save`), with what it shows."""

    markup: str
    caption: str


@dataclass
class Section:
    """A part of the page.

    Attributes:
        name: of the analysis; the anchor of the section.
        title: heading.
        sentences: what the numbers say, first.
        pictures, tables: in this order.
        equation: markup of an equation, where one was found.
        folded: headings and plain texts that unfold.
        note: where the numbers are; by default the table of the analysis.
    """

    name: str
    title: str
    sentences: list[str] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    equation: str = ""
    folded: list[tuple[str, str]] = field(default_factory=list)
    note: str = ""

    def show(self, figure: Plot | Figure, folder: Path, name: str, alt: str, caption: str, dpi: int = 140) -> None:
        """Add a figure, and write it as ``folder/figures/NAME.png``; one that is no `Plot` is shown as PNG.

        Args:
            figure: what to show.
            folder: of the benchmark.
            name: of the file.
            alt: what the figure shows, for those who cannot see it.
            caption: how to read it.
            dpi: points per inch of what is no `Plot`.
        """
        path = folder / "figures" / f"{name}.png"
        drawn = figure.save(path, alt) if isinstance(figure, Plot) else save_figure(figure, path, alt, dpi)
        self.pictures.append(Picture(drawn, caption))

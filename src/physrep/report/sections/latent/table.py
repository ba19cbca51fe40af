"""Figures and tables of the sections of latent trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from ....benchmark.latent_table import LatentTable
from ...draw import Plot
from ...draw.types import Figure
from ...section import Section, Table
from .plots import Panels, dots_plot


def add_figure(table: LatentTable, section: Section, figure: Plot | Figure, name: str, caption: str) -> None:
    """Put a figure into a section."""
    section.show(figure, table.folder, name, caption.partition(".")[0], caption)


def add_dots(
    table: LatentTable, section: Section, panels: Panels, xlabel: str, name: str, caption: str, low: float = -0.5,
    high: float = 1.05, line: tuple[float, str] | None = None,
) -> None:  # fmt: skip
    """Put a figure of `dots_plot` into a section, the interval of the reference shaded."""
    add_figure(table, section, dots_plot(table.who, panels, xlabel, low, high, line, table.reference), name, caption)


def tabled(head: Sequence[str], lines: Sequence[Sequence[Any]], note: str, digits: int = 2) -> Table:
    """A table of texts, numbers and scores, its numbers with so many decimals."""
    return Table(pd.DataFrame(list(lines), columns=list(head)), note, dict.fromkeys(head, digits))

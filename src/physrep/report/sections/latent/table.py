"""The long table of the analyses of latent trajectories, with the arrays behind it, as their sections read it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....analyses.latent.context import PIXELS
from ....benchmark.entries import UNKNOWN, Score
from ....metrics.skill import Estimate
from ...draw import Plot
from ...draw.types import Figure
from ...formats import NOTHING
from ...formats import scored as number_and_interval
from ...section import Section, Table
from ..run_lines import Line
from .plots import Panels, dots_plot


class LatentTable:
    """Lookup in the long table.

    Attributes:
        rows: as of `physrep.analyses.latent.read_latent`, of one or several analyses.
        arrays: by name.
        who: runs in the order of tables.
        folder: where figures go.
        reference: run that the others are compared with.
        simulated: per set its ``equation`` and ``parameters`` ``{name: scale}``.
        seeds: of the division into folds.
    """

    def __init__(
        self, rows: Sequence[dict[str, Any]], arrays: Mapping[str, np.ndarray], who: Mapping[str, Line], folder: Path,
        reference: str, simulated: Mapping[str, Mapping[str, Any]],
    ) -> None:  # fmt: skip
        self.rows, self.arrays, self.who, self.folder = rows, arrays, who, folder
        self.reference, self.simulated = reference, simulated
        self.seeds = max((len(row["splits"]) for row in rows), default=1) or 1
        self._index = {
            tuple(row[k] for k in ("analysis", "set", "target", "level", "modality", "metric")): row for row in rows
        }

    def get(self, *key: str) -> dict[str, Any] | None:
        """The row of (analysis, set, target, level, run, metric)."""
        return self._index.get(key)

    def value(self, *key: str) -> float:
        """Its value, NaN where there is no row."""
        row = self.get(*key)
        return float(row["value"]) if row else math.nan

    def scores(self, analysis: str, name: str, target: str, level: str, metric: str) -> dict[str, Score]:
        """``{run: (value, low, high)}`` of one cell of the table."""
        found: dict[str, Score] = {}
        for run in self.modalities(analysis):
            row = self.get(analysis, name, target, level, run, metric)
            if row is not None:
                found[run] = cell(row) or UNKNOWN
        return found

    def modalities(self, analysis: str) -> list[str]:
        """Runs that an analysis scored, in the order of tables."""
        found = {row["modality"] for row in self.rows if row["analysis"] == analysis}
        return [name for name in self.who if name in found]

    def sets(self, analysis: str) -> list[str]:
        """Sets of simulations that it scored."""
        found = dict.fromkeys(row["set"] for row in self.rows if row["analysis"] == analysis)
        return [name for name in self.simulated if name in found]

    def pixels(self, analysis: str) -> list[str]:
        """Runs that are pixels."""
        return [name for name in self.modalities(analysis) if self.who[name].learner == PIXELS]

    def floors(self, analysis: str) -> list[str]:
        """Runs that need no training, pixels among them."""
        return [name for name in self.modalities(analysis) if self.who[name].kind == "floor"]

    def label(self, run: str) -> str:
        """Name in sentences."""
        return self.who[run].label

    def shown(self, analysis: str) -> list[str]:
        """Up to three runs that are no plain floor, and the reference."""
        names = [name for name in self.modalities(analysis) if name != self.reference]
        picked = [name for name in names if self.who[name].kind != "floor"]
        return [*(picked or names)[:3], *([self.reference] if self.reference in self.modalities(analysis) else [])]

    def add(self, section: Section, figure: Plot | Figure, name: str, caption: str) -> None:
        """Put a figure into a section."""
        section.show(figure, self.folder, name, caption.partition(".")[0], caption)

    def add_dots(
        self, section: Section, panels: Panels, xlabel: str, name: str, caption: str, low: float = -0.5,
        high: float = 1.05, line: tuple[float, str] | None = None,
    ) -> None:  # fmt: skip
        """Put a figure of `dots_plot` into a section, the interval of the reference shaded."""
        self.add(section, dots_plot(self.who, panels, xlabel, low, high, line, self.reference), name, caption)


def tabled(head: Sequence[str], lines: Sequence[Sequence[Any]], note: str, digits: int = 2) -> Table:
    """A table of texts, numbers and scores, its numbers with so many decimals."""
    return Table(pd.DataFrame(list(lines), columns=list(head)), note, dict.fromkeys(head, digits))


def cell(row: Mapping[str, Any] | Estimate | None) -> Score | None:
    """A row or an estimate as the cell of a table."""
    if row is None:
        return None
    value, low, high = row if isinstance(row, Estimate) else (row["value"], row["low"], row["high"])
    return Score(float(value), *(math.nan if end is None else float(end) for end in (low, high)))


def cell_text(row: Mapping[str, Any] | Estimate | None) -> str:
    """The same in a sentence."""
    found = cell(row)
    return NOTHING if found is None else number_and_interval(found)

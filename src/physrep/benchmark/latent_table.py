"""The long table of the analyses of latent trajectories, with the arrays behind it, and the verdicts it gives."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..analyses.latent.context import PIXELS
from ..analyses.latent.evidence import evidence
from ..analyses.latent.verdict import verdict
from ..formats import NOTHING, scored
from ..metrics.score import UNKNOWN, Score
from .run_lines import Line


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
                found[run] = row_score(row) or UNKNOWN
        return found

    def modalities(self, analysis: str) -> list[str]:
        """Runs that an analysis scored, in the order of tables."""
        found = {row["modality"] for row in self.rows if row["analysis"] == analysis}
        return [name for name in self.who if name in found]

    def sets(self, analysis: str) -> list[str]:
        """Sets of simulations that it scored."""
        found = dict.fromkeys(row["set"] for row in self.rows if row["analysis"] == analysis)
        return [name for name in self.simulated if name in found]

    def pairs(self, analysis: str) -> list[tuple[str, str]]:
        """Every set with every run that it scored."""
        return [(name, run) for name in self.sets(analysis) for run in self.modalities(analysis)]

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


def verdicts(table: LatentTable, name: str) -> dict[str, dict[str, Any]]:
    """Per run that is no pixels: evidence and verdict on one set."""
    found: dict[str, dict[str, Any]] = {}
    pixels = table.pixels("parameters")
    if not pixels or name not in table.sets("parameters"):
        return found
    for run in table.modalities("parameters"):
        if run not in pixels:
            own = evidence(table.rows, table.arrays, name, run, pixels)
            found[run] = {"evidence": own, "verdict": verdict(own)}
    return found


def row_score(row: Mapping[str, Any] | Score | None) -> Score | None:
    """A row, or what is a score already, as a score."""
    if row is None:
        return None
    value, low, high = row if isinstance(row, Score) else (row["value"], row["low"], row["high"])
    return Score(float(value), *(math.nan if end is None else float(end) for end in (low, high)))


def row_text(row: Mapping[str, Any] | Score | None) -> str:
    """The same in a sentence."""
    found = row_score(row)
    return NOTHING if found is None else scored(found)

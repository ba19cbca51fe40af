"""The table of the analysis as numbers by encoder, shift, subject, level and parameter, averaged over seeds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Literal

from .entries import to_float
from .run_lines import Line, lines


@dataclass(frozen=True)
class Cell:
    """MSE under a shift with its 95% interval, without it (reference), their ratio, and a constant's MSE."""

    value: float
    low: float
    high: float
    reference: float
    ratio: float
    constant: float


LIMITS = {"low": "ci_low", "high": "ci_high"}
"""Attribute of `Cell` to its column, where that has another name."""


@dataclass
class Cells:
    """Everything that figures, sentences and the table read.

    Attributes:
        encoders: floors first, then learners, then ceilings.
        parameters: names, without the mean.
        shifts: names of those that have scores.
        levels: per shift, its (subject, level) in the order of the table.
        values: by title, shift, subject, level and parameter; over several seeds value, reference, ratio and constant
            are means, and the interval reaches from the lowest to the highest limit.
        notes: sentences on what could not be had.
        probes: names of the probes.
    """

    encoders: list[Line] = field(default_factory=list)
    parameters: list[str] = field(default_factory=list)
    shifts: list[str] = field(default_factory=list)
    levels: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    values: dict[tuple[str, str, str, str, str], Cell] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    probes: set[str] = field(default_factory=set)

    def cell(self, encoder: Line, shift: str, subject: str, level: str, parameter: str = "mean") -> Cell | None:
        """One cell; None if this encoder has no score there."""
        return self.values.get((encoder.title, shift, subject, level, parameter))

    def clean(self, encoder: Line) -> Cell | None:
        """The score of all test trajectories as they are."""
        return self.cell(encoder, "clean", "", "")

    def informative(self, encoder: Line) -> bool:
        """Whether the clean MSE is below 0.9 of a constant's: who knows nothing has nothing to lose."""
        clean = self.clean(encoder)
        return clean is not None and clean.value < 0.9 * clean.constant

    def scored(self, shift: str, subject: str) -> str:
        """The parameter whose score tells of a shift: the one that is extrapolated, else the mean."""
        return subject if shift == "extrapolation" and subject in self.parameters else "mean"

    def worst(self, encoder: Line, shift: str, by: Literal["ratio", "value"] = "ratio") -> tuple[str, str, Cell] | None:
        """Subject, level and cell with the largest ratio or MSE; None if the encoder has no score there."""
        found = [
            (subject, level, cell)
            for subject, level in self.levels[shift]
            if (cell := self.cell(encoder, shift, subject, level, self.scored(shift, subject))) is not None
            and math.isfinite(getattr(cell, by))
        ]
        return max(found, key=lambda item: getattr(item[2], by), default=None)


def read_shift_cells(rows: Iterable[Mapping[str, str]]) -> Cells:
    """Group the rows of the table."""
    cells = Cells()
    parts: dict[tuple[str, str, str, str, str], list[Mapping[str, str]]] = {}
    scored = list(rows)
    for row in scored:
        cells.probes.add(row["probe"])
        if row.get("note"):
            if row["note"] not in cells.notes:
                cells.notes.append(row["note"])
            continue
        if row["parameter"] != "mean" and row["parameter"] not in cells.parameters:
            cells.parameters.append(row["parameter"])
        place = (row["subject"], row["level"])
        if row["shift"] != "clean":
            known = cells.levels.setdefault(row["shift"], [])
            if place not in known:
                known.append(place)
        parts.setdefault((row["title"], row["shift"], *place, row["parameter"]), []).append(row)
    cells.shifts = list(cells.levels)
    cells.values = {key: _cell(group) for key, group in parts.items()}
    cells.encoders = lines(scored)
    return cells


def _cell(rows: list[Mapping[str, str]]) -> Cell:
    columns = {own.name: [to_float(row[LIMITS.get(own.name, own.name)]) for row in rows] for own in fields(Cell)}
    means = {name: sum(values) / len(values) for name, values in columns.items()}
    return Cell(**{**means, "low": min(columns["low"]), "high": max(columns["high"])})

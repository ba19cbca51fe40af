"""An answer of a study, and the table of scores it is made from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...metrics.skill import Estimate
from ...report.style import number
from ..config import StudyConfig
from ..names import label

FLOORS = ("pixels", "statistics")
"""Kinds of encoders that any claim has to beat."""


@dataclass(frozen=True)
class Answer:
    """One question of the study.

    Attributes:
        question: what was asked.
        text: the answer, with numbers.
        verdict: ``yes``, ``no``, ``undecided``, ``in part``, or one of `physrep.study.verdict`.
        sure: on what the verdict rests.
    """

    question: str
    text: str
    verdict: str
    sure: str


class Table:
    """Lookup in the long table, with the arrays behind it."""

    def __init__(
        self, config: StudyConfig, rows: Sequence[dict[str, Any]], arrays: Mapping[str, np.ndarray] | None = None
    ) -> None:
        self.config, self.rows, self.arrays = config, rows, arrays or {}
        self._index = {
            tuple(row[k] for k in ("analysis", "set", "target", "level", "modality", "metric")): row for row in rows
        }

    def get(self, *key: str) -> dict[str, Any] | None:
        """The row of (analysis, set, target, level, modality, metric)."""
        return self._index.get(key)

    def value(self, *key: str) -> float:
        """Its value, NaN where there is no row."""
        row = self.get(*key)
        return float(row["value"]) if row else math.nan

    def modalities(self, analysis: str) -> list[str]:
        """Those that an analysis scored, in the order of the configuration."""
        found = {row["modality"] for row in self.rows if row["analysis"] == analysis}
        return [name for name in self.config.encoders if name in found]

    def floors(self, analysis: str) -> list[str]:
        """Pixels and field statistics."""
        return [name for name in self.modalities(analysis) if self.kind(name) in FLOORS]

    def pixels(self, analysis: str) -> list[str]:
        """Pixels."""
        return [name for name in self.modalities(analysis) if self.kind(name) == "pixels"]

    def kind(self, modality: str) -> str:
        """Kind of an encoder."""
        return self.config.encoders[modality].kind

    def label(self, modality: str) -> str:
        """Name of an encoder in sentences."""
        return label(modality, self.config.encoders[modality])

    def subject(self, analysis: str) -> str | None:
        """The modality that questions are about: V-JEPA 2, else an encoder of one's own, else the random one."""
        names = self.modalities(analysis)
        for kind in ("vjepa2", "run", "pretrain", "random_vjepa2"):
            found = next((name for name in names if self.kind(name) == kind), None)
            if found:
                return found
        return None


def scored(row: Mapping[str, Any] | Estimate | None) -> str:
    """A value with its interval."""
    if row is None:
        return "–"
    value, low, high = row if isinstance(row, Estimate) else (row["value"], row["low"], row["high"])
    if low is None or not math.isfinite(low):
        return number(value, 2)
    return f"{number(value, 2)} [{number(low, 2)}, {number(high, 2)}]"


def decided(found: Estimate) -> str:
    """``yes`` if the interval of a difference is above 0, ``no`` if below, else ``undecided``."""
    return "yes" if found.low > 0 else "no" if found.high < 0 else "undecided"


def together(verdicts: Sequence[str]) -> str:
    """``yes`` if all are, ``no`` if one is, else ``undecided``."""
    kinds = set(verdicts)
    return "yes" if kinds == {"yes"} else "no" if "no" in kinds else "undecided"

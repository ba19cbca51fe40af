"""An answer of a study, and the table of scores it is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...analyses.latent.evidence import READINGS
from ...benchmark.latent_table import LatentTable
from ...benchmark.run_lines import Line
from ...metrics.score import Score
from ..config import StudyConfig
from ..data import StudyData
from ..names import label

FLOORS = ("pixels", "statistics")
"""Kinds of encoders that any claim has to beat."""


@dataclass(frozen=True)
class StudyAnswer:
    """One question of the study.

    Attributes:
        question: what was asked.
        text: the answer, with numbers.
        verdict: ``yes``, ``no``, ``undecided``, ``in part``, or one of `physrep.analyses.latent.verdict`.
        sure: on what the verdict rests.
    """

    question: str
    text: str
    verdict: str
    sure: str


COLOURS = {
    "vjepa2": "#1f63b4",
    "random_vjepa2": "#7a9a78",
    "pretrain": "#c8402f",
    "run": "#c8402f",
    "statistics": "#c98a1b",
    "pixels": "#8d6aa0",
}
"""Colour per kind of encoder: saturated where something was learned, muted for the controls."""

ORDER = ("vjepa2", "run", "pretrain", "random_vjepa2")
"""Kinds of encoders, the most interesting first."""


class StudyTable(LatentTable):
    """The long table of a study.

    Args:
        config: of the study.
        rows, arrays: of all analyses.
        data: the simulations; their sets.
        out: folder of the study.
    """

    def __init__(
        self, config: StudyConfig, rows: Sequence[dict[str, Any]], arrays: Mapping[str, np.ndarray], data: StudyData,
        out: Path,
    ) -> None:  # fmt: skip
        self.config = config
        who = {
            name: Line(name, label(name, own), label(name, own), "floor" if own.kind in FLOORS else "learner",
                       COLOURS[own.kind], "video_pixels" if own.kind == "pixels" else own.kind)
            for name, own in config.encoders.items()
        }  # fmt: skip
        super().__init__(rows, arrays, who, out, config.reference, data.sets)
        self.seeds = config.splits

    def shown(self, analysis: str) -> list[str]:
        """Subject, random control, own encoder, reference: at most four."""
        names = self.modalities(analysis)
        picked = [m for kind in ORDER for m in names if self.kind(m) == kind][:3]
        return [*picked, self.config.reference]

    def floors(self, analysis: str) -> list[str]:
        """Pixels and field statistics."""
        return [name for name in self.modalities(analysis) if self.kind(name) in FLOORS]

    def kind(self, modality: str) -> str:
        """Kind of an encoder."""
        return self.config.encoders[modality].kind

    def subject(self, analysis: str) -> str | None:
        """The modality that questions are about: V-JEPA 2, else an encoder of one's own, else the random one."""
        names = self.modalities(analysis)
        return next((name for kind in ORDER for name in names if self.kind(name) == kind), None)

    def better(self, analysis: str, name: str, target: str, modality: str, metric: str) -> dict[str, Any]:
        """The row of the better of the two readings of a whole simulation, for every modality alike."""
        rows = [self.get(analysis, name, target, level, modality, metric) for level in READINGS]
        return max((row for row in rows if row), key=lambda row: row["value"])


def decided(found: Score) -> str:
    """``yes`` if the interval of a difference is above 0, ``no`` if below, else ``undecided``."""
    return "yes" if found.low > 0 else "no" if found.high < 0 else "undecided"


def together(verdicts: Sequence[str]) -> str:
    """``yes`` if all are, ``no`` if one is, else ``undecided``."""
    kinds = set(verdicts)
    return "yes" if kinds == {"yes"} else "no" if "no" in kinds else "undecided"

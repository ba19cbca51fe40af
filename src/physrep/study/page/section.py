"""A part of a page, and what all parts are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...report.figures import save_figure
from ..answers import Table
from ..config import StudyConfig
from ..data import StudyData
from ..figures import Score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUBJECTS = ("vjepa2", "run", "pretrain", "random_vjepa2")
"""Kinds of encoders, the most interesting first."""


@dataclass
class Section:
    """A part of the page: heading, sentences, figures ``{uri, caption}``, and tables ``{head, lines, note}``."""

    title: str
    text: list[str] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)
    tables: list[dict[str, Any]] = field(default_factory=list)


class Material:
    """Numbers of a study and the folder of its figures.

    Attributes:
        config, data: of the study.
        table: scores and arrays.
        out: folder of the study.
    """

    def __init__(
        self, config: StudyConfig, data: StudyData, rows: Sequence[dict[str, Any]], arrays: Mapping[str, np.ndarray],
        out: Path,
    ) -> None:  # fmt: skip
        self.config, self.data, self.out = config, data, out
        self.table = Table(config, rows, arrays)

    @property
    def arrays(self) -> Mapping[str, np.ndarray]:
        return self.table.arrays

    def add(self, section: Section, figure: Figure, name: str, caption: str, vector: bool = True) -> None:
        """Save a figure and put it into a section."""
        uri = save_figure(figure, self.out / "figures" / f"{name}.png", vector=vector)
        section.figures.append({"uri": uri, "caption": caption})

    def scores(self, analysis: str, name: str, target: str, level: str, metric: str) -> dict[str, Score]:
        """``{modality: (value, low, high)}`` of one cell of the long table."""
        found: dict[str, Score] = {}
        for modality in self.table.modalities(analysis):
            row = self.table.get(analysis, name, target, level, modality, metric)
            if row is not None:
                found[modality] = (row["value"], row["low"], row["high"])
        return found

    def shown(self, analysis: str) -> list[str]:
        """Subject, random control, own encoder, reference: at most four."""
        names = self.table.modalities(analysis)
        picked = [m for kind in SUBJECTS for m in names if self.table.kind(m) == kind][:3]
        return [*picked, self.config.reference]

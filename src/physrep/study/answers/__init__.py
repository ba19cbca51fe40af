"""The answers of a study in sentences, generated from its numbers, the main question first."""

from __future__ import annotations

from ..config import FTCS
from ..data import StudyData
from .classification import classification
from .dynamics import dynamics
from .falsification import falsification
from .instability import instability
from .instability import instability_answers as unstable
from .naming import naming
from .parameters import parameters
from .spatial_head import spatial_head
from .table import StudyAnswer, StudyTable

ANSWER = {
    "falsification": falsification,
    "naming": naming,
    "parameters": parameters,
    "classification": classification,
    "koopman": dynamics,
    "spatial_head": spatial_head,
}
"""By analysis, in the order of the page."""


def answers(table: StudyTable, data: StudyData) -> list[StudyAnswer]:
    """All answers; what the published data do to a probe comes first where they are part of the study."""
    found: list[StudyAnswer] = []
    if any(own.system == FTCS for own in table.config.systems.values()):
        found += unstable(table, data)
    for name, answer in ANSWER.items():
        if name in table.config.analyses:
            found += answer(table)
    return found


__all__ = ["ANSWER", "StudyAnswer", "StudyTable", "answers", "instability"]

"""The page of a study: answers first, then every figure with a sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from ..files import read_json, write_text
from ..report.render import render_page
from ..report.section import Section
from ..report.sections.latent import LATENT_SECTIONS
from .answers import StudyAnswer, StudyTable
from .config import FTCS, StudyConfig
from .data import StudyData
from .pictures import samples, unstable


def study_sections(table: StudyTable, data: StudyData) -> list[Section]:
    """All that there is to show."""
    made = [samples(table, data)]
    if any(own.system == FTCS for own in table.config.systems.values()):
        made.append(unstable(table, data))
    made += [make(table) for name, make in LATENT_SECTIONS.items() if name in table.config.analyses]
    return [section for section in made if section.pictures or section.tables]


def write_study_page(
    config: StudyConfig, data: StudyData, table: StudyTable, answers: Sequence[StudyAnswer], notes: Sequence[str],
    videos: Sequence[Path], out: Path,
) -> Path:  # fmt: skip
    """Write ``study.html`` and ``figures/*.png``; returns the page."""
    text = render_page(
        "study.html.j2",
        title=config.title,
        question=config.question,
        environment=read_json(out / "environment.json"),
        answers=answers,
        notes=notes,
        sections=study_sections(table, data),
        config=yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True),
        videos=[str(path.relative_to(out)) for path in videos],
    )
    write_text(out / "study.html", text)
    return out / "study.html"

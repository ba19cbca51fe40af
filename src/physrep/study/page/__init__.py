"""The page of a study: answers first, then every figure with a sentence that says what it shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ...files import read_json, write_text
from ..answers import Answer
from ..config import FTCS, StudyConfig
from ..data import StudyData
from .classification import classification
from .falsification import falsification
from .koopman import koopman
from .naming import naming
from .parameters import parameters
from .pictures import samples, unstable
from .section import Material, Section
from .spatial_head import spatial_head

SECTIONS: dict[str, Callable[[Material], Section]] = {
    "falsification": falsification,
    "naming": naming,
    "parameters": parameters,
    "classification": classification,
    "koopman": koopman,
    "spatial_head": spatial_head,
}
"""By analysis, in the order of the page."""


def sections(material: Material) -> list[Section]:
    """All that there is to show."""
    made = [samples(material)]
    if any(own.system == FTCS for own in material.config.sets.values()):
        made.append(unstable(material))
    made += [make(material) for name, make in SECTIONS.items() if name in material.config.analyses]
    return [section for section in made if section.figures or section.tables]


def write_page(
    config: StudyConfig, data: StudyData, rows: Sequence[dict[str, Any]], arrays: Mapping[str, np.ndarray],
    answers: Sequence[Answer], notes: Sequence[str], videos: Sequence[Path], out: Path,
) -> Path:  # fmt: skip
    """Write ``study.html`` and ``figures/*.png``; returns the page."""
    from jinja2 import Environment, StrictUndefined

    folder = resources.files("physrep.report")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "study.html.j2").read_text(encoding="utf-8"))
    text = template.render(
        title=config.title,
        question=config.question,
        css=(folder / "page.css").read_text(encoding="utf-8"),
        environment=read_json(out / "environment.json"),
        answers=answers,
        notes=notes,
        sections=sections(Material(config, data, rows, arrays, out)),
        config=yaml.safe_dump(config.as_dict(), sort_keys=False, allow_unicode=True),
        videos=[str(path.relative_to(out)) for path in videos],
    )
    write_text(out / "study.html", text)
    return out / "study.html"

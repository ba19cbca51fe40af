"""Rows of an analysis by title, in the order of the table, with the names and colours of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..style import KINDS, colour, learner_name


class Line(NamedTuple):
    """One encoder of an analysis, over its seeds: title of the run, name on the page, colour, kind, rows."""

    title: str
    name: str
    colour: str
    kind: str
    rows: list[Mapping[str, str]]


def lines(rows: Iterable[Mapping[str, str]]) -> list[Line]:
    """Rows grouped by title: floors, then learners, then ceilings, each in the order of the table."""
    groups: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["title"], []).append(row)
    learners = [group[0]["learner"] for group in groups.values()]
    found = []
    for title, group in groups.items():
        learner, kind = group[0]["learner"], group[0]["kind"]
        # Where one learner has several runs, only the title tells them apart.
        name = learner_name(learner) + (f" ({title})" if learners.count(learner) > 1 and title != learner else "")
        found.append(Line(title, name, colour(learner), kind, group))
    order = list(KINDS)
    return sorted(found, key=lambda line: order.index(line.kind))

"""From the rows of an analysis to named lines of its figures and tables: runs in the page's order, seeds together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..learners.identity import KINDS, default_colour, identity_of_name, row_kind
from ..metrics.score import UNKNOWN, Score
from .directory import Bench
from .entries import mean_score, stored_score

EXTRA = {"parameters": "True parameters and time", "majority": "Majority class"}
"""Names of reference rows that no learner makes."""


@dataclass(frozen=True)
class Line:
    """One learner with all its seeds.

    Attributes:
        title: of the run without its seed, the key of the group.
        label: short name for figures: of a run with a name of its own, that name.
        name: name for tables and sentences, with the learner and, where it has several runs, the title.
        kind: key of `physrep.learners.identity.KINDS`, or ``reference``.
        colour: of the learner; where it has several runs, each that does not go by the learner's name has its own.
        learner: its name.
        runs: names of the runs.
        rows: its rows of the table.
    """

    title: str
    label: str
    name: str
    kind: str
    colour: str
    learner: str = ""
    runs: tuple[str, ...] = ()
    rows: list[Mapping[str, str]] = field(default_factory=list, compare=False, repr=False)


def identified(bench: Bench, rows: Iterable[Mapping[str, str]]) -> list[dict[str, str]]:
    """Rows with the label and the colour of their run's learner, as ``learner_label`` and ``learner_colour``; a
    ceiling whose training has not converged, which an analysis cannot tell, is of that kind."""
    known = bench.identities
    found = []
    for row in rows:
        who, own = known.get(row.get("run", "")), dict(row)
        if who:
            own |= {"learner_label": who.label, "learner_colour": who.colour}
            own |= {"kind": who.kind} if own.get("kind") == "ceiling" else {}
        found.append(own)
    return found


def named(row: Mapping[str, str]) -> tuple[str, str]:
    """Label and colour of a row's learner; those of the learner's name where the row does not hold them."""
    default = identity_of_name(row["learner"])
    return row.get("learner_label") or default.label, row.get("learner_colour") or default.colour


def lines(rows: Iterable[Mapping[str, str]]) -> list[Line]:
    """Learners of a table with the columns of `physrep.analyses.FrozenRun.identity`, references and floors first."""
    groups: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        groups.setdefault(row["title"], []).append(row)
    learners = [group[0]["learner"] for group in groups.values()]
    order = ["reference", *KINDS]
    result = []
    for title, group in groups.items():
        learner, kind = group[0]["learner"], row_kind(row["kind"] for row in group)
        said, colour = named(group[0])
        label = EXTRA.get(learner) or (said if title == learner else title)
        several = learners.count(learner) > 1 and title != learner
        name = said + (f" ({title})" if several else "")
        colour = "#777777" if learner in EXTRA else default_colour(f"run {title}") if several else colour
        runs = tuple(dict.fromkeys(row["run"] for row in group))
        result.append(Line(title, label, name, kind, colour, learner, runs, group))
    return sorted(result, key=lambda line: order.index(line.kind) if line.kind in order else len(order))


def line_score(rows: Iterable[Mapping[str, str]], line: Line, **where: str) -> Score:
    """Mean over seeds of ``value`` among the rows with these cells, interval from the lowest to the highest limit."""
    own = [row for row in rows if row["run"] in line.runs and all(row[key] == text for key, text in where.items())]
    return mean_score(map(stored_score, own)) if own else UNKNOWN


def best(candidates: Sequence[Line], values: Mapping[str, float], kind: str) -> Line | None:
    """The line of a kind with the highest finite value by title; None if there is none."""
    own = [line for line in candidates if line.kind == kind and math.isfinite(values[line.title])]
    return max(own, key=lambda line: values[line.title], default=None)

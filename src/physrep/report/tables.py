"""The result table as text for a terminal, as Markdown, and as cells for the page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from ..benchmark.entries import Entry, make_entries, metric_names, parameter_names
from ..benchmark.names import higher_is_better, metric_name, probe_name
from ..formats import column_format, interval, number
from ..learners.identity import KINDS, LABEL_FREE, Identity
from .section import Table

Rows = Iterable[Mapping[str, Any]]


def markdown_table(
    rows: Rows,
    identities: Mapping[str, Identity] | None = None,
    level: str = "trajectory",
    all_probes: bool = False,
    over_seeds: Rows = (),
) -> str:
    """The result table in Markdown: the mean MSE on test with its 95% interval, the MSE per parameter, and the mean R2
    and further metrics.

    Args:
        rows: rows of ``results.csv``.
        identities: run name to kind, label and colour of its learner; others go by its name.
        level: ``"trajectory"`` or ``"window"``.
        all_probes: show every probe, not only the one with the lowest mean MSE on valid.
        over_seeds: rows of ``over_seeds.csv``.
    """
    frame = result_table(make_entries(rows, identities, over_seeds), level, all_probes).texts()
    frame[""] = frame[""].mask(frame[""].duplicated(), "")
    return as_markdown(frame, 3)


def text_table(
    rows: Rows,
    identities: Mapping[str, Identity] | None = None,
    level: str = "trajectory",
    all_probes: bool = False,
    over_seeds: Rows = (),
) -> str:
    """The result table for a terminal.

    Args:
        rows, identities, level, all_probes, over_seeds: as in `markdown_table`.
    """
    frame = result_table(make_entries(rows, identities, over_seeds), level, all_probes).texts()
    caption = f"MSE of z-scored parameters on test, per {level} (a constant has 1); 95% intervals over trajectories."
    return as_terminal(frame.drop(columns=""), 2, caption, frame[""].tolist())


def as_markdown(frame: pd.DataFrame, left: int) -> str:
    """A frame of texts in Markdown; the first ``left`` columns are set to the left, the others to the right."""
    lines = [[str(name) for name in frame.columns], ["---"] * left + ["---:"] * (len(frame.columns) - left)]
    lines += [[cell.replace("|", "\\|") for cell in row] for row in frame.to_numpy().tolist()]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def as_terminal(frame: pd.DataFrame, left: int, caption: str, groups: Sequence[str] = ()) -> str:
    """The same for a terminal, with a rule above every group of rows and a caption."""
    lines = [list(map(str, frame.columns)), *frame.to_numpy().tolist()]
    widths = [max(len(cells[k]) for cells in lines) for k in range(len(lines[0]))]
    rule, text = "─" * (sum(widths) + 2 * (len(widths) - 1)), []
    for k, cells in enumerate(lines):
        if k == 1 or (k > 1 and groups and groups[k - 1] != groups[k - 2]):
            text.append(rule)
        placed = [c.ljust(w) if n < left else c.rjust(w) for n, (c, w) in enumerate(zip(cells, widths, strict=True))]
        text.append("  ".join(placed).rstrip())
    return "\n".join([*text, rule, caption]) + "\n"


def result_table(entries: Sequence[Entry], level: str = "trajectory", all_probes: bool = False) -> Table:
    """One row per learner, groups in their order: group, learner, probe, mean MSE with interval, and what it is of."""
    names, further = parameter_names(entries), metric_names(entries)[1:]
    several = len({entry.system for entry in entries}) > 1
    shown = [entry for kind in KINDS for entry in entries if entry.kind == kind and (entry.chosen or all_probes)]
    means = [entry.score("mean", "mse", level) for entry in shown]
    text = column_format(score.value for score in means)
    columns: dict[str, list[Any]] = {
        "": [KINDS[entry.kind] for entry in shown],
        "Learner": [f"{entry.system}: {entry.label}" if several else entry.label for entry in shown],
        "Probe": [probe_name(entry.probe) for entry in shown],
        "mean MSE [95%]": [f"{text(score.value)} {interval(score, text)}".strip() for score in means],
    }
    for name in names:
        columns[f"MSE {name}"] = [entry.score(name, "mse", level).value for entry in shown]
    for metric in further:
        columns[f"mean {metric_name(metric)}"] = [entry.score("mean", metric, level).value for entry in shown]
    if has_twins(entries):
        columns["untrained MSE"] = [entry.twin("mean", "mse", level) for entry in shown]
        columns["directions"] = [directions(entry) for entry in shown]
    return Table(pd.DataFrame(columns))


def has_twins(entries: Iterable[Entry]) -> bool:
    """Whether the table holds participation ratios and untrained twins: older ones do not."""
    return any(math.isfinite(entry.participation) for entry in entries)


def directions(entry: Entry) -> str:
    """Participation ratio of the tokens, and the word where they are collapsed."""
    text = number(entry.participation, 1)
    return f"{text} (collapsed)" if entry.collapse else text


def twin_notes(entries: Iterable[Entry]) -> list[str]:
    """Why rows have no untrained twin, one sentence per reason."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        if not math.isfinite(entry.twin()) and entry.untrained_note:
            names = found.setdefault(entry.untrained_note, [])
            names += [name for name in [_named(entry)] if name not in names]
    return [f"{', '.join(names)}: {reason}." for reason, names in found.items()]


def _named(entry: Entry) -> str:
    return entry.title if "own reading" in entry.untrained_note else entry.label


def page_table(entries: Sequence[Entry], system: str, names: list[str], level: str) -> list[dict[str, Any]]:
    """Groups of rows for the page: every probe of every learner, with all metrics of the mean and of each parameter.

    The mean comes first, as learners are ranked by it. All numbers of a column have one format. ``best`` marks the
    best score of a column among the rows that see no labels before the probe, where there are two or more of them.
    """
    own = [entry for entry in entries if entry.system == system]
    metrics = metric_names(entries)
    columns = [(name, metric) for name in ["mean", *names] for metric in metrics]
    formats = {key: column_format([entry.score(*key, level).value for entry in own]) for key in columns}
    best = {key: best_entry(own, *key, level) for key in columns}
    twin = column_format([entry.twin("mean", "mse", level) for entry in own])
    groups = []
    for kind, heading in KINDS.items():
        rows = [
            {
                "entry": entry,
                "probe": probe_name(entry.probe),
                "twin": twin(entry.twin("mean", "mse", level)),
                "twin_order": entry.twin("mean", "mse", level),
                "directions": directions(entry),
                "cells": [_page_cell(entry, *key, level, formats[key], entry is best[key]) for key in columns],
            }
            for entry in own
            if entry.kind == kind
        ]
        if rows:
            groups.append({"heading": heading, "rows": rows})
    return groups


def best_entry(entries: Sequence[Entry], name: str, metric: str, level: str) -> Entry | None:
    """The best of the rows that see no labels before the probe; None where fewer than two have a finite score."""
    sign = -1 if higher_is_better(metric) else 1
    found = [(sign * entry.score(name, metric, level).value, k) for k, entry in enumerate(entries)
             if entry.kind in LABEL_FREE and math.isfinite(entry.score(name, metric, level).value)]  # fmt: skip
    return entries[min(found)[1]] if len(found) > 1 else None


def _page_cell(
    entry: Entry, name: str, metric: str, level: str, text: Callable[[float], str], best: bool
) -> dict[str, Any]:
    """Value, interval where learners are ranked by it, and all digits for a tooltip."""
    score = entry.score(name, metric, level)
    limits = f"95 % [{number(score.low, 5)}, {number(score.high, 5)}]"
    return {
        "parameter": name,
        "metric": metric,
        "value": text(score.value),
        "order": score.value,
        "interval": interval(score, text) if metric == "mse" else "",
        "exact": f"{name}: {metric_name(metric)} {number(score.value, 5)}, {limits}",
        "best": best,
    }

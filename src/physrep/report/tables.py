"""The result table as text for a terminal, as Markdown, and as cells for the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..benchmark.entries import Entry, make_entries, metric_names, parameter_names
from ..benchmark.names import metric_name, probe_name
from ..learners.identity import KINDS, Identity
from .formats import interval, number

Rows = Iterable[Mapping[str, Any]]


def markdown_table(
    rows: Rows,
    identities: Mapping[str, Identity] | None = None,
    level: str = "trajectory",
    all_probes: bool = False,
    over_seeds: Rows = (),
) -> str:
    """The result table in Markdown: MSE on test per parameter, their mean with its 95% interval, and the mean
    R2 and further metrics.

    Args:
        rows: rows of ``results.csv``.
        identities: run name to kind, label and colour of its learner; others go by its name.
        level: ``"trajectory"`` or ``"window"``.
        all_probes: show every probe, not only the one with the lowest mean MSE on valid.
        over_seeds: rows of ``over_seeds.csv``.
    """
    header, groups = _cells(rows, identities, level, all_probes, over_seeds)
    lines = ["| " + " | ".join(["", *header]) + " |", "|---|---|---|" + "---:|" * (len(header) - 2)]
    for kind, body in groups:
        for k, cells in enumerate(body):
            lines.append("| " + " | ".join([KINDS[kind] if k == 0 else "", *cells]) + " |")
    return "\n".join(lines) + "\n"


def text_table(
    rows: Rows,
    identities: Mapping[str, Identity] | None = None,
    level: str = "trajectory",
    all_probes: bool = False,
    over_seeds: Rows = (),
) -> str:
    """The result table for a terminal; arguments as in `markdown_table`."""
    header, groups = _cells(rows, identities, level, all_probes, over_seeds)
    lines = [header, *(cells for _, body in groups for cells in body)]
    widths = [max(len(cells[k]) for cells in lines) for k in range(len(header))]

    def line(cells: list[str]) -> str:
        left = [cells[k].ljust(widths[k]) for k in (0, 1)]
        right = [cells[k].rjust(widths[k]) for k in range(2, len(cells))]
        return "  ".join(left + right).rstrip()

    rule = "─" * (sum(widths) + 2 * (len(widths) - 1))
    text = [line(header)]
    for _, body in groups:
        text += [rule, *map(line, body)]
    caption = f"MSE of z-scored parameters on test, per {level} (a constant has 1); 95% intervals over trajectories."
    text += [rule, caption]
    return "\n".join(text) + "\n"


def _cells(
    rows: Rows, identities: Mapping[str, Identity] | None, level: str, all_probes: bool, over_seeds: Rows
) -> tuple[list[str], list[tuple[str, list[list[str]]]]]:
    entries = make_entries(rows, identities, over_seeds)
    names = parameter_names(entries)
    further = metric_names(entries)[1:]
    several = len({entry.system for entry in entries}) > 1
    groups = []
    for kind in KINDS:
        body = []
        for entry in entries:
            if entry.kind != kind or not (entry.chosen or all_probes):
                continue
            mean = entry.score("mean", "mse", level)
            label = f"{entry.system}: {entry.label}" if several else entry.label
            body.append(
                [
                    label,
                    probe_name(entry.probe),
                    *(number(entry.score(name, "mse", level).value) for name in names),
                    f"{number(mean.value)} {interval(mean)}".strip(),
                    *(number(entry.score("mean", metric, level).value) for metric in further),
                ]
            )
        if body:
            groups.append((kind, body))
    titles = (f"mean {metric_name(metric)}" for metric in further)
    return ["Learner", "Probe", *(f"MSE {name}" for name in names), "mean MSE [95%]", *titles], groups


def page_table(entries: Sequence[Entry], system: str, names: list[str], level: str) -> list[dict[str, Any]]:
    """Groups of rows for the page: every probe of every learner, with all metrics per parameter and mean."""
    groups, metrics = [], metric_names(entries)
    for kind, heading in KINDS.items():
        rows = [
            {
                "entry": entry,
                "probe": probe_name(entry.probe),
                "cells": [_page_cell(entry, name, metric, level) for name in [*names, "mean"] for metric in metrics],
            }
            for entry in entries
            if entry.kind == kind and entry.system == system
        ]
        if rows:
            groups.append({"heading": heading, "rows": rows})
    return groups


def _page_cell(entry: Entry, name: str, metric: str, level: str) -> dict[str, str]:
    """Value, interval where learners are ranked by it, and all digits for a tooltip."""
    score = entry.score(name, metric, level)
    limits = f"95 % [{number(score.low, 5)}, {number(score.high, 5)}]"
    return {
        "metric": metric,
        "value": number(score.value),
        "interval": interval(score) if metric == "mse" else "",
        "exact": f"{name}: {metric_name(metric)} {number(score.value, 5)}, {limits}",
    }

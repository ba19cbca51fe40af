"""What is encoded besides the labels: R² of physical quantities from frozen tokens, as a matrix."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ...benchmark.directory import Bench
from ...benchmark.run_lines import Line, best, line_score, lines
from ...formats import number, scored
from ...learners.identity import identity_of_name
from ..draw import Plot, matrix
from ..section import Section, Table

LEGIBLE = 0.9
"""R² from which a quantity counts as read."""


def encoded_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """The section of the analysis ``encoded``."""
    found = [row for row in rows if row["metric"] == "r2"]
    quantities = list(dict.fromkeys(row["quantity"] for row in found))
    everyone = lines(rows)
    if not quantities:
        return None
    cells = {line.title: [line_score(found, line, quantity=name) for name in quantities] for line in everyone}
    means = {title: float(np.mean([cell.value for cell in own])) for title, own in cells.items()}
    values = np.array([[cell.value for cell in cells[line.title]] for line in everyone])
    labels, colours = [line.label for line in everyone], [line.colour for line in everyone]
    frame = pd.DataFrame(values, index=labels, columns=[name.replace("_", " ") for name in quantities])
    frame = frame.clip(-9.99, 1)
    plot = Plot([lambda ax, first: matrix(ax, frame, colours=colours)], 1.4 + 0.27 * len(labels))
    section = Section("encoded", "What is encoded", _sentences(everyone, cells, means, quantities))
    scales = {row["quantity"]: row["scale"] for row in found}
    logs = [name.replace("_", " ") for name in quantities if scales[name] == "log"]
    scaled = f" Of {', '.join(logs)} the logarithm is scored." if logs else ""
    caption = (
        "Test R² of ridge regression from the pooled tokens of a window to quantities of that window that were never "
        f"labels; 1 is exact, 0 is the mean, negative is worse than the mean.{scaled} “True parameters and time” sees "
        "no field: what lies above it is the state of the flow, not its parameters. Field statistics hold several of "
        "these quantities by construction."
    )
    section.show(plot, bench.folder, "encoded", "R² of physical quantities from the tokens of every run", caption)
    section.tables.append(_table(rows, found, everyone, quantities))
    return section


def _sentences(
    everyone: list[Line], cells: dict[str, list], means: dict[str, float], quantities: list[str]
) -> list[str]:
    learner, floor = best(everyone, means, "learner"), best(everyone, means, "floor")
    random = next((line for line in everyone if line.title == "random"), None)
    if learner is None:
        return [f"{len(quantities)} physical quantities were read from the tokens of every run; no run is a learner."]
    own = cells[learner.title]
    read = sum(cell.value >= LEGIBLE for cell in own)
    worst = min(range(len(own)), key=lambda k: own[k].value)
    text = (
        f"Without having been labels, {read} of {len(quantities)} physical quantities are read from {learner.label} "
        f"tokens with a test R² of at least {LEGIBLE:g} (mean R² {number(means[learner.title], 2)}, the highest of the "
        f"learners); the least legible is {quantities[worst].replace('_', ' ')} at {scored(own[worst])}."
    )
    more = []
    if random is not None:
        gains = [k for k in range(len(own)) if own[k].low > cells[random.title][k].high]
        more.append(
            f"Its interval lies above that of the {identity_of_name('random').label.lower()} (mean "
            f"{number(means[random.title], 2)}) for {len(gains)} of them"
        )
    if floor is not None and floor is not random:
        more.append(f"the highest floor, {floor.label}, reaches a mean of {number(means[floor.title], 2)}")
    if "parameters" in means:
        more.append(f"the true parameters and the time alone {number(means['parameters'], 2)}")
    return [text, "; ".join(more) + "."] if more else [text]


def _table(
    rows: list[dict[str, str]], found: list[dict[str, str]], everyone: list[Line], quantities: list[str]
) -> Table:
    body = []
    for line in everyone:
        own = {name: line_score(found, line, quantity=name) for name in quantities}
        known = {name: cell for name, cell in own.items() if math.isfinite(cell.value)}
        ends = [max(known, key=lambda n: known[n].value), min(known, key=lambda n: known[n].value)]
        ranks = [line_score(rows, line, metric=name).value for name in ("effective_rank", "participation_ratio")]
        cells = [part for name in ends for part in (name.replace("_", " "), known[name])]
        body.append([line.label, *cells, *ranks])
    caption = (
        "Most and least legible quantity with 95 % interval (bootstrap over trajectories), and how many directions the "
        "tokens of test use: effective rank (RankMe, not centred) and participation ratio (of their covariance)."
    )
    header = ["Run", "most legible", "R²", "least legible", "its R²", "effective rank", "participation ratio"]
    digits = {"R²": 2, "its R²": 2, "effective rank": 1, "participation ratio": 1}
    return Table.of(header, body, caption, digits)

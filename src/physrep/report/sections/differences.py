"""Paired differences between all learners, with Holm's correction."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pandas as pd

from ...benchmark.directory import Bench
from ...benchmark.entries import Entry, headline
from ...files import atomic_path
from ...metrics.holm import holm
from ..draw import Plot, matrix
from ..draw.matrix import DIVERGING
from ..formats import signed
from ..section import Section

MOST, ALPHA = 10, 0.05
"""Entries that are compared with each other, at most, and the chance of any false claim among all pairs."""

RESAMPLES = 2000
"""Of the paired bootstrap; a p-value cannot be told from 0 below two of them."""


def difference_sections(bench: Bench) -> list[Section]:
    """One section per system that has predictions of two or more entries to compare."""
    return [section for system in bench.systems if (section := difference_section(bench, system)) is not None]


def compared(bench: Bench, system: str) -> list[Entry]:
    """The best floor, the learners as far as there is room, and the ceiling, with predictions on disk."""
    top = headline(bench.entries, system)
    own = [entry for entry in bench.entries if entry.system == system and entry.chosen]
    best = sorted((e for e in own if e.kind in ("learner", "finetuned")), key=lambda e: e.score(split="valid").value)
    wanted = [e for e in (top.floor, *best[: MOST - 2], top.ceiling) if e is not None and math.isfinite(e.value)]
    return [entry for entry in own if any(entry is other for other in wanted) and bench.predictions(entry)]


def two_sided(share: float) -> float:
    """p-value of a difference from the share of resamples in which the first is better."""
    return min(1.0, max(2 * min(share, 1 - share), 2 / RESAMPLES))


def difference_rows(bench: Bench, system: str) -> pd.DataFrame:
    """One row per pair: mean MSE of ``a`` minus that of ``b`` on the same test trajectories, with interval, p-value and
    the p-value after Holm's correction for all pairs.

    A p-value is twice the share of paired resamples (of trajectories, and of seeds where there are several) in which
    the difference has the other sign, never below two of them.
    """
    rows = []
    for a, b in itertools.combinations(compared(bench, system), 2):
        found = bench.difference(a, b)
        if found is not None and math.isfinite(float(found.value[-1])):
            value, low, high, share = (float(part[-1]) for part in found)
            rows.append({"system": system, "a": a.title, "b": b.title, "value": value, "ci_low": low, "ci_high": high,
                         "p": two_sided(share), "seeds": min(len(a.runs), len(b.runs))})  # fmt: skip
    frame = pd.DataFrame(rows)
    return frame.assign(p_holm=holm(frame["p"])) if len(frame) else frame


def difference_section(bench: Bench, system: str) -> Section | None:
    """The matrix: row minus column, blue where the row is better; a star where it is clear among all pairs."""
    rows = difference_rows(bench, system)
    if rows.empty:
        return None
    names = list(dict.fromkeys([*rows["a"], *rows["b"]]))
    values = pd.DataFrame(math.nan, index=names, columns=names)
    texts = pd.DataFrame("", index=names, columns=names)
    records: list[Any] = rows.to_dict("records")
    for row in records:
        star = "*" if row["p_holm"] < ALPHA else ""
        for a, b, value in ((row["a"], row["b"], row["value"]), (row["b"], row["a"], -row["value"])):
            values.loc[a, b], texts.loc[a, b] = value, f"{signed(value)}{star}"
    limit = max(abs(row["value"]) for row in records) or 1.0
    colours = [next(e.colour for e in bench.entries if e.title == name) for name in names]
    plot = Plot(
        [lambda ax, first: matrix(ax, values, limits=(-limit, limit), texts=texts, colours=colours, shades=DIVERGING)],
        1.3 + 0.3 * len(names),
    )
    prefix = "" if len(bench.systems) == 1 else f"{system}_"
    name = f"{prefix}differences"
    clear = sum(row["p_holm"] < ALPHA for row in records)
    title = "Who differs from whom" if len(bench.systems) == 1 else f"Who differs from whom on {system}"
    said = f"{clear} of {len(rows)} pairs differ clearly, with Holm's correction for all of them."
    if min(row["seeds"] for row in records) < 2:
        said += " Pairs with one seed compare two trained encoders: another seed may turn them round."
    caption = (
        "Mean test MSE per trajectory of the row minus that of the column, on the same trajectories; blue: the row is "
        f"better. Star: p < {ALPHA:g} after Holm's correction, two-sided, from a paired bootstrap over trajectories "
        "(and seeds where there are several). Best floor, learners and ceiling, each with its probe chosen on valid."
    )
    section = Section(name, title, [said], note=f"Numbers: figures/{name}.csv.")
    section.show(plot, bench.folder, name, f"Paired differences of test MSE on {system}", caption)
    with atomic_path(bench.folder / "figures" / f"{name}.csv") as temporary:
        rows.to_csv(temporary, index=False)
    return section

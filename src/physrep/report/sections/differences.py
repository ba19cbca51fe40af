"""The matrix of paired differences between all learners."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from ...benchmark.differences import ALPHA, difference_rows
from ...benchmark.directory import Bench
from ...files import atomic_path
from ...formats import signed
from ..draw import Plot, matrix
from ..draw.matrix import DIVERGING
from ..section import Section


def difference_sections(bench: Bench) -> list[Section]:
    """One section per system that has predictions of two or more entries to compare."""
    return [section for system in bench.systems if (section := difference_section(bench, system)) is not None]


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

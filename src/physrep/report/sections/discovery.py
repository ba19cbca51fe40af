"""The equation that operator discovery found: terms, how many parameters vary, and what each of them multiplies."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from ...benchmark.directory import Bench, Run
from ...formats import number
from ...learners.operator_discovery.mathml import equation_markup
from ...learners.operator_discovery.notation import PLAIN, write_term
from ...learners.operator_discovery.printing import as_latex, as_text, doubts, varying_parameters
from ...learners.operator_discovery.record import read_discovery
from ...learners.operator_discovery.selection import EXPLAINED
from ..draw import Plot, curves
from ..draw.scatter import padded
from ..draw.types import Axes
from ..section import Section, Table


def discovery_sections(bench: Bench) -> list[Section]:
    """One section for the first run of operator discovery that kept its weights; none if there is no such run."""
    for run in bench.runs.values():
        if run.learner == "operator_discovery" and (record := read_discovery(run.folder)) is not None:
            return [discovery_section(bench, run, record)]
    return []


def discovery_section(bench: Bench, run: Run, record: dict[str, Any]) -> Section:
    """Sentences, the equation, the curve of P, and a table of what each direction multiplies."""
    best = record["curve"][record["best"]]
    count = best["directions"]
    explained = [own for own in record["equation"] if own["residual"] <= EXPLAINED]
    varying = sum(any(term["directions"]) for own in explained for term in own["terms"])
    said = [
        f"Without labels or an equation, {run.identity.label} finds {_parameters(varying_parameters(record))} between "
        f"trajectories, and {len(explained)} of {len(record['equation'])} equations in its library; "
        f"{varying} of their {sum(len(own['terms']) for own in explained)} terms have a coefficient that varies."
    ]
    said += [doubt] if (doubt := doubts(record)) else []
    said += [
        f"{own['channel'].replace('_', ' ')}: no equation in this library, {own['residual']:.0%} of its change is left."
        for own in record["equation"]
        if own["residual"] > EXPLAINED
    ]
    if any(own["centred"] for own in record["equation"]):
        said.append("Fields are measured from their means.")
    section = Section("discovery", "The equation that was found", said, equation=equation_markup(record))
    section.folded = [("As text", as_text(record)), ("As LaTeX", as_latex(record))]
    caption = (
        "How many directions the fit needs: share of the change that is left in other windows of a trajectory (mean "
        "logarithm over channels, lower is better) by the number P of directions, one curve per grade of the library. "
        f"Chosen: grade {best['grade']}, P = {count}."
    )
    alt = "Change left over by the number of directions"
    section.show(_curve_plot(record), bench.folder, "discovery", alt, caption)
    if count:
        caption = (
            "What each direction of θ multiplies: the coefficient of a term is its constant plus the sum of "
            "θ times the columns θ₁, θ₂, …; least and greatest over the training trajectories. Kept: share of random "
            "halves of the trajectories that keep the term. Terms without such a column are the same for all."
        )
        section.tables.append(Table(_directions(explained, count), caption, {"kept (%)": 0}))
    section.note = f"Numbers: runs/{run.name}; physrep equation {Path('runs') / run.name} prints them."
    return section


def _parameters(count: int) -> str:
    if count == 1:
        return "1 parameter that varies"
    return f"{count} parameters that vary" if count else "no parameter that varies"


def _directions(equations: list[dict[str, Any]], count: int) -> pd.DataFrame:
    rows = []
    for own in equations:
        for term in own["terms"]:
            if not any(term["directions"]):
                continue
            columns = {f"θ{chr(0x2080 + d + 1)}": term["directions"][d] for d in range(count)}
            rows.append({"equation": ("" if own.get("relation") else "∂ₜ ") + own["channel"].replace("_", " "),
                         "term": write_term(term["name"], PLAIN),
                         "constant": term["constant"], **columns, "least": term["low"], "greatest": term["high"],
                         "kept (%)": 100 * term["stability"]})  # fmt: skip
    return pd.DataFrame(rows)


def _curve_plot(record: dict[str, Any]) -> Plot:
    shades = ("#c9a227", "#8d6aa8", "#4c9a8f", "#1f63b4", "#b05a6f", "#5f7f9f")
    grades = list(dict.fromkeys(row["grade"] for row in record["curve"]))
    colours = {grade: shades[k % len(shades)] for k, grade in enumerate(grades)}
    rows = pd.DataFrame(
        [{"curve": f"grade {row['grade']}", "colour": colours[row["grade"]], "x": row["directions"], "y": row["score"]}
         for row in record["curve"] if math.isfinite(row["score"])]
    ).sort_values(["curve", "x"])  # fmt: skip
    best = record["curve"][record["best"]]

    def draw(ax: Axes, first: bool, frame: pd.DataFrame) -> None:
        scores = frame["y"].tolist()
        curves(ax, frame, limits=padded(min(scores), max(scores), False, 0.12))
        ax.axvline(best["directions"], color="#999999", lw=0.9, ls=(0, (2, 2)), zorder=0)
        ax.set_xticks(sorted(set(frame["x"])), [str(x) for x in sorted(set(frame["x"]))])
        ax.set(xlabel="P, number of directions", ylabel="log share of change left")
        ax.set_title(f"chosen: P = {best['directions']}, score {number(best['score'])}", fontsize=8.5)

    legend = [(f"grade {grade}", colours[grade], "-") for grade in grades]
    return Plot([partial(draw, frame=rows)], 2.6, legend=legend, width=5.6)

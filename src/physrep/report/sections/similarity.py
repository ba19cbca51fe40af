"""Similarity of representations: the matrix of linear CKA."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...benchmark.directory import Bench
from ...benchmark.run_lines import Line, identified, lines
from ...formats import number
from ...learners.identity import CEILINGS
from ..draw import Plot, matrix
from ..section import Section


def similarity_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """The section of the analysis ``similarity``."""
    who = {name: run.identity for name, run in bench.runs.items()}
    first = [{"run": row["run_a"], "title": row["title_a"], "learner": row["learner_a"]} for row in rows]
    known = [{**row, "kind": who[row["run"]].kind if row["run"] in who else "learner"} for row in first]
    everyone = lines(identified(bench, known))
    if len(everyone) < 2:
        return None
    table = {(row["run_a"], row["run_b"]): float(row["value"]) for row in rows}
    values = np.array([[_mean(table, a, b) for b in everyone] for a in everyone])
    labels, colours = [line.label for line in everyone], [line.colour for line in everyone]
    frame = pd.DataFrame(values, index=labels, columns=labels)
    plot = Plot([lambda ax, first: matrix(ax, frame, colours=colours)], 1.25 + 0.29 * len(labels))
    caption = (
        f"Linear CKA, unbiased estimator, between the mean tokens of {rows[0]['n_windows']} test windows: 1 for copies "
        "up to rotation, shift and overall scale, 0 on average for independent representations. Large directions "
        "dominate it: two encoders may share what matters for a parameter and still be far apart here. Windows of one "
        "trajectory are not independent, so small values are a little high."
    )
    section = Section("similarity", "Similarity of representations", _sentences(everyone, values))
    section.show(plot, bench.folder, "similarity", "Similarity of the representations of all runs", caption)
    return section


def _mean(table: dict[tuple[str, str], float], a: Line, b: Line) -> float:
    """Over pairs of seeds; the diagonal compares different seeds where there are any."""
    pairs = [(x, y) for x in a.runs for y in b.runs if x != y] or [(a.runs[0], b.runs[0])]
    return float(np.mean([table[pair] for pair in pairs]))


def _sentences(everyone: list[Line], values: np.ndarray) -> list[str]:
    learners = [k for k, line in enumerate(everyone) if line.kind == "learner"]
    sentences = []
    pairs = [(values[i, j], i, j) for i in learners for j in learners if i < j and np.isfinite(values[i, j])]
    if pairs:
        high, i, j = max(pairs)
        low, k, m = min(pairs)
        text = f"Among the learners, {everyone[i].label} and {everyone[j].label} are most alike (CKA {number(high, 2)})"
        if len(pairs) > 1:
            text += f", {everyone[k].label} and {everyone[m].label} least ({number(low, 2)})"
        sentences.append(text + ".")
    ceiling = next((k for k, line in enumerate(everyone) if line.kind in CEILINGS), None)
    if ceiling is not None and learners:
        top = max(learners, key=lambda k: values[k, ceiling])
        name = everyone[ceiling].label
        sentences.append(
            f"Closest to {name}, which was trained on the labels, is {everyone[top].label} "
            f"({number(float(values[top, ceiling]), 2)})."
        )
    return sentences

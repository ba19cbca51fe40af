"""Regimes from frozen tokens: macro-F1, confusion of the best learner, and calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...analyses.regime_rules import REGIMES
from ...benchmark.directory import Bench
from ...files import read_json
from ..figures import WIDTH, save_figure
from ..section import Picture, Section, Table
from ..style import MUTED, number, paper
from .matrix import draw_matrix
from .run_lines import Line, best, interval, lines, score

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def regimes_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """The section of the analysis ``regimes``; its sentences only, where there was nothing to classify."""
    note = bench.folder / "analyses" / "regimes_note.json"
    notes = list(read_json(note)["sentences"]) if note.is_file() else []
    section = Section("regimes", "Regimes of flow")
    if not rows:
        section.sentences = notes
        return section if notes else None
    everyone = lines(rows)
    f1 = {line.title: score(rows, line, metric="macro_f1").value for line in everyone}
    learner = best(everyone, f1, "learner") or best(everyone, f1, "floor")
    assert learner is not None
    names = list(dict.fromkeys(row["label"] for row in rows if row["metric"] == "confusion"))
    section.sentences = [*_sentences(rows, everyone, f1, names), *notes]
    uri = save_figure(_figure(rows, everyone, learner, names), bench.folder / "figures" / "regimes.png")
    rules = REGIMES.get(bench.systems[0])
    caption = (
        "Left: macro-F1 on test (95 % interval over trajectories) of logistic regression on pooled tokens; the dashed "
        f"line is the majority class. Middle: how often {learner.label} tokens take a regime (row) for "
        "another (column), counts of test windows, tinted by the share of the row. Right: accuracy of windows whose "
        "most probable regime has about this probability; on the diagonal probabilities can be believed."
    )
    if rules is not None:
        caption += f" Regimes of windows, by physics: {rules.sentence}."
    section.pictures.append(Picture(uri, "Classification of regimes from frozen tokens", caption))
    section.tables.append(_table(rows, everyone))
    return section


def _sentences(rows: list[dict[str, str]], everyone: list[Line], f1: dict[str, float], names: list[str]) -> list[str]:
    learner, ceiling = best(everyone, f1, "learner"), best(everyone, f1, "ceiling")
    floors = [line for line in everyone if line.kind == "floor" and line.title != "majority"]
    floor = max(floors, key=lambda line: f1[line.title], default=None)
    majority = next(line for line in everyone if line.title == "majority")
    parts = []
    if learner is not None:
        found = score(rows, learner, metric="macro_f1")
        told = ", ".join(n.replace("_", " ") for n in names)
        parts.append(f"{learner.label} tokens tell {told} apart with a macro-F1 "
                     f"of {interval(found)}, the highest of the learners")  # fmt: skip
    others = []
    if floor is not None:
        others.append(f"the highest floor, {floor.label}, reaches {interval(score(rows, floor, metric='macro_f1'))}")
    if ceiling is not None:
        others.append(f"{ceiling.label} {interval(score(rows, ceiling, metric='macro_f1'))}")
    others.append(f"the majority class {number(f1[majority.title], 2)}")
    return ["; ".join([*parts, ", ".join(others)]) + "."]


def _figure(rows: list[dict[str, str]], everyone: list[Line], learner: Line, names: list[str]) -> Figure:
    from matplotlib.figure import Figure

    shown = [line for line in everyone if line.title != "majority"]
    majority = next((line for line in everyone if line.title == "majority"), None)
    with paper():
        figure = Figure(figsize=(WIDTH, max(2.5, 0.9 + 0.26 * len(shown))), layout="constrained")
        left, middle, right = figure.subplots(1, 3, width_ratios=[1.25, 1.0, 1.0])
        for y, line in enumerate(shown):
            value, low, high = score(rows, line, metric="macro_f1")
            left.plot([low, high], [y, y], color=line.tint, lw=2, solid_capstyle="butt")
            left.plot(value, y, "o", ms=6, color=line.tint)
        if majority is not None:
            left.axvline(score(rows, majority, metric="macro_f1").value, color="#999999", lw=0.9, ls=(0, (3, 2)))
        left.set_yticks(range(len(shown)), [line.label for line in shown])
        for tick, line in zip(left.get_yticklabels(), shown, strict=True):
            tick.set_color(line.tint)
        left.set(xlim=(0, 1), ylim=(len(shown) - 0.5, -0.5), xlabel="macro-F1")
        left.tick_params(axis="y", length=0)
        left.spines["left"].set_visible(False)
        counts = np.array(
            [[score(rows, learner, metric="confusion", label=a, predicted=b).value for b in names] for a in names]
        )
        plain = [name.replace("_", " ") for name in names]
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        draw_matrix(middle, share, plain, plain, texts=[[f"{cell:.0f}" for cell in row] for row in counts])
        for tick in middle.get_xticklabels():
            tick.set(rotation=25, ha="left", rotation_mode="anchor")
        middle.set_ylabel("true")
        middle.set_xlabel(f"predicted from {learner.label}", color=learner.tint)
        _draw_reliability(right, rows, shown, learner)
    return figure


def _draw_reliability(ax, rows: list[dict[str, str]], shown: list[Line], learner: Line) -> None:
    bins = sorted({row["label"] for row in rows if row["metric"] == "bin_count"})
    ax.plot([0, 1], [0, 1], color="#bbbbbb", lw=0.8)
    for line in shown:
        points = [
            (score(rows, line, metric="bin_confidence", label=name).value,
             score(rows, line, metric="bin_accuracy", label=name).value)
            for name in bins
            # A bin of a few windows says nothing.
            if score(rows, line, metric="bin_count", label=name).value >= 10
        ]  # fmt: skip
        if points:
            main = line.title == learner.title
            ax.plot(*zip(*points, strict=True), "o-", ms=3.5 if main else 2, lw=1.6 if main else 0.8,
                    color=line.tint, alpha=1 if main else 0.6, zorder=3 if main else 2)  # fmt: skip
    ax.set(xlim=(0.25, 1.02), ylim=(0.25, 1.02), xlabel="probability", ylabel="accuracy", aspect="equal")
    ax.text(0.97, 0.04, "bins of 10 or\nmore windows", transform=ax.transAxes, fontsize=7, color=MUTED, ha="right")


def _table(rows: list[dict[str, str]], everyone: list[Line]) -> Table:
    body = [
        [
            line.label,
            interval(score(rows, line, metric="macro_f1")),
            interval(score(rows, line, metric="balanced_accuracy")),
            number(score(rows, line, metric="calibration_error").value),
            number(score(rows, line, metric="log_loss").value),
        ]
        for line in everyone
    ]
    caption = "Scores on test; the penalty of the classifier is chosen on valid. Calibration error: 10 equal bins."
    return Table(["Run", "macro-F1", "balanced accuracy", "calibration error", "log loss"], body, caption)

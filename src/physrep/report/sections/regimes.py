"""Regimes from frozen tokens: macro-F1, confusion of the best learner, and calibration."""

from __future__ import annotations

import pandas as pd

from ...analyses.regime_rules import REGIMES
from ...benchmark.directory import Bench
from ...benchmark.run_lines import Line, best, line_score, lines
from ...files import read_json
from ...formats import number, scored
from ..draw import Plot, Reference, curves, dots, matrix
from ..draw.types import Axes
from ..section import Section, Table


def regimes_section(bench: Bench, rows: list[dict[str, str]]) -> Section | None:
    """The section of the analysis ``regimes``; its sentences only, where there was nothing to classify."""
    note = bench.folder / "analyses" / "regimes_note.json"
    notes = list(read_json(note)["sentences"]) if note.is_file() else []
    section = Section("regimes", "Regimes of flow")
    if not rows:
        section.sentences = notes
        return section if notes else None
    everyone = lines(rows)
    f1 = {line.title: line_score(rows, line, metric="macro_f1").value for line in everyone}
    learner = best(everyone, f1, "learner") or best(everyone, f1, "floor")
    assert learner is not None
    names = list(dict.fromkeys(row["label"] for row in rows if row["metric"] == "confusion"))
    section.sentences = [*_sentences(rows, everyone, f1, names), *notes]
    rules = REGIMES.get(bench.systems[0])
    caption = (
        "Left: macro-F1 on test (95 % interval over trajectories) of logistic regression on pooled tokens; the dashed "
        f"line is the majority class. Middle: how often {learner.label} tokens take a regime (row) for "
        "another (column), counts of test windows, tinted by the share of the row. Right: accuracy of windows whose "
        "most probable regime has about this probability (bins of ten or more); on the diagonal "
        "probabilities can be believed."
    )
    if rules is not None:
        caption += f" Regimes of windows, by physics: {rules.sentence}."
    plot = _plot(rows, everyone, learner, names)
    section.show(plot, bench.folder, "regimes", "Classification of regimes from frozen tokens", caption)
    section.tables.append(_table(rows, everyone))
    return section


def _sentences(rows: list[dict[str, str]], everyone: list[Line], f1: dict[str, float], names: list[str]) -> list[str]:
    learner = best(everyone, f1, "learner")
    ceiling = best(everyone, f1, "ceiling") or best(everyone, f1, "unconverged")
    floors = [line for line in everyone if line.kind == "floor" and line.title != "majority"]
    floor = max(floors, key=lambda line: f1[line.title], default=None)
    majority = next(line for line in everyone if line.title == "majority")
    parts = []
    if learner is not None:
        found = line_score(rows, learner, metric="macro_f1")
        told = ", ".join(n.replace("_", " ") for n in names)
        parts.append(f"{learner.label} tokens tell {told} apart with a macro-F1 "
                     f"of {scored(found)}, the highest of the learners")  # fmt: skip
    others = []
    if floor is not None:
        others.append(f"the highest floor, {floor.label}, reaches {scored(line_score(rows, floor, metric='macro_f1'))}")
    if ceiling is not None:
        others.append(f"{ceiling.label} {scored(line_score(rows, ceiling, metric='macro_f1'))}")
    others.append(f"the majority class {number(f1[majority.title], 2)}")
    return ["; ".join([*parts, ", ".join(others)]) + "."]


def _plot(rows: list[dict[str, str]], everyone: list[Line], learner: Line, names: list[str]) -> Plot:
    shown = [line for line in everyone if line.title != "majority"]
    majority = [line_score(rows, line, metric="macro_f1").value for line in everyone if line.title == "majority"]
    plain = [name.replace("_", " ") for name in names]
    counts = pd.DataFrame(
        [[line_score(rows, learner, metric="confusion", label=a, predicted=b).value for b in names] for a in names],
        index=plain, columns=plain,
    )  # fmt: skip

    def f1(ax: Axes, first: bool) -> None:
        frame = pd.DataFrame(
            [{"name": line.label, "colour": line.colour, **line_score(rows, line, metric="macro_f1")._asdict()}
             for line in shown]
        )  # fmt: skip
        dots(ax, frame, limits=(0.0, 1.0), references=[Reference(m, "majority class", dashed=True) for m in majority])
        ax.set_xlabel("macro-F1")

    def confusion(ax: Axes, first: bool) -> None:
        share = counts.div(counts.sum(axis=1).clip(lower=1), axis=0)
        matrix(ax, share, texts=counts.map("{:.0f}".format))
        ax.set_ylabel("true")
        ax.set_xlabel(f"predicted from {learner.label}", color=learner.colour)

    def reliability(ax: Axes, first: bool) -> None:
        frame = pd.DataFrame([point for line in shown for point in _reliability(rows, line, line is learner)],
                             columns=["curve", "colour", "x", "y", "width"])  # fmt: skip
        ax.plot([0, 1], [0, 1], color="#bbbbbb", lw=0.8)
        curves(ax, frame, limits=(0.25, 1.02))
        ax.set(xlim=(0.25, 1.02), xlabel="probability", ylabel="accuracy", aspect="equal")

    return Plot([f1, confusion, reliability], max(2.6, 0.9 + 0.26 * len(shown)), ratios=[1.25, 1.0, 1.0])


def _reliability(rows: list[dict[str, str]], line: Line, main: bool) -> list[tuple[str, str, float, float, float]]:
    """Probability and accuracy of the bins of a line; a bin of less than ten windows says nothing."""
    bins = sorted({row["label"] for row in rows if row["metric"] == "bin_count"})
    return [
        (line.label, line.colour, line_score(rows, line, metric="bin_confidence", label=name).value,
         line_score(rows, line, metric="bin_accuracy", label=name).value, 1.8 if main else 0.8)
        for name in bins if line_score(rows, line, metric="bin_count", label=name).value >= 10
    ]  # fmt: skip


def _table(rows: list[dict[str, str]], everyone: list[Line]) -> Table:
    columns = {"macro-F1": "macro_f1", "balanced accuracy": "balanced_accuracy",
               "calibration error": "calibration_error", "log loss": "log_loss"}  # fmt: skip
    frame = pd.DataFrame(
        [{"Run": line.label, **{head: line_score(rows, line, metric=metric) for head, metric in columns.items()}}
         for line in everyone]
    )  # fmt: skip
    caption = "Scores on test; the penalty of the classifier is chosen on valid. Calibration error: 10 equal bins."
    return Table(frame, caption, {"macro-F1": 2, "balanced accuracy": 2})

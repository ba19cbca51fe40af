"""Drawings and the numbers behind them: scales, exact values, cost, and the CSV files of figures."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pytest
from bench_directory import LEARNERS, read_csv, write_bench
from study_directory import write_study
from test_leaderboard import FIRST
from test_report_answer import found, paired

from physrep.benchmark.directory import Bench
from physrep.probes.fit import load_predictions
from physrep.report.cost import cost_drawing, cost_of
from physrep.report.dots import dot_drawing, lead_drawing
from physrep.report.figure_data import write_figure_data
from physrep.report.headline_facts import lead, percent
from physrep.report.style import number
from physrep.report.svg import Scale, element, power_text


def titles(drawing: str) -> list[str]:
    return [node.text or "" for node in xml.fromstring(drawing).iter("title")]


def test_scale_and_ticks() -> None:
    scale = Scale(0.0, 1.1, 100.0, 210.0)
    assert scale(0.5) == pytest.approx(150) and scale.ticks(6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    log = Scale(1e11, 1e13, 0.0, 200.0, log=True)
    assert log(1e12) == pytest.approx(100) and [f"{t:.0e}" for t in log.ticks()] == [
        "1e+11",
        "3e+11",
        "1e+12",
        "3e+12",
        "1e+13",
    ]
    assert [power_text(x) for x in (0.5, 2e12, 1e13, 0)] == ["0.5", "2·10¹²", "10¹³", "0"]


def test_text_of_a_drawing_is_escaped() -> None:
    node = xml.fromstring(element("circle", title='<b> & "x"', data_name='a"<'))
    assert node[0].text == '<b> & "x"' and node.attrib["data-name"] == 'a"<'


def test_dots_say_the_values_of_the_table_where_they_are(tmp_path: Path) -> None:
    bench = Bench.read(write_bench(tmp_path / "bench"))
    drawing = dot_drawing(bench, "shear_flow")
    said = titles(drawing)
    for entry in bench.entries:
        for parameter in ("mean", "Reynolds", "Schmidt"):
            assert any(f"{parameter} MSE {number(entry.score(parameter).value, 4)}" in text for text in said)
    # Marks lie in the order of their values: pixels are linear in the MSE.
    pairs = []
    for node in xml.fromstring(drawing).iter("circle"):
        text = node.findtext("title") or ""
        if ": mean MSE" in text:
            pairs.append((float(node.attrib["cx"]), float(re.search(r"MSE ([\d.]+)", text)[1])))  # type: ignore[index]
    x, y = np.array(pairs).T
    assert len(pairs) == sum(len(probes) for _, probes in LEARNERS.values())
    np.testing.assert_allclose(np.polyval(np.polyfit(y, x, 1), y), x, atol=0.1)
    assert "JEPA" in " ".join(titles(lead_drawing(bench, "shear_flow")))


def test_cost_is_that_of_the_summaries(tmp_path: Path) -> None:
    seeds = {"jepa": ("jepa", "conv3d", "learner", {0: 0.2, 1: 0.3}), "statistics": FIRST["statistics"]}
    bench = Bench.read(write_study(tmp_path / "study", "flow", seeds))
    entry = next(entry for entry in bench.entries if entry.learner == "jepa")
    assert (cost_of(bench, entry).flops, cost_of(bench, entry).seconds) == (1e12, 60.0)
    drawing = cost_drawing(bench, "flow")
    assert drawing is not None
    said = titles(drawing)
    assert "JEPA, ridge: MSE 0.2500, flops 10¹²" in said and "JEPA, ridge: MSE 0.2500, seconds 60" in said
    assert any("(floor): MSE 0.6000" in text for text in said)
    bench.runs["jepa-s1"].summary.pop("flops")
    assert math.isnan(cost_of(bench, entry).flops), "a mean over some of the seeds is no cost"
    bench.runs["jepa-s1"].summary.pop("seconds")
    assert cost_drawing(bench, "flow") is None


def test_csv_of_figures(tmp_path: Path) -> None:
    folder = write_bench(tmp_path / "bench")
    bench = Bench.read(folder)
    assert write_figure_data(bench) == ["scores.csv", "cost.csv", "scatter.csv", "curves.csv"]
    rows = read_csv(folder / "figures" / "scores.csv")
    mine = next(row for row in rows if (row["learner"], row["probe"], row["parameter"], row["metric"])
                == ("jepa", "ridge", "mean", "mse"))  # fmt: skip
    entry = next(entry for entry in bench.entries if (entry.learner, entry.probe) == ("jepa", "ridge"))
    assert float(mine["value"]) == entry.value and mine["chosen"] == "True"
    points = [row for row in read_csv(folder / "figures" / "scatter.csv")
              if row["run"] == "shear_flow-jepa-0" and row["parameter"] == "Reynolds"]  # fmt: skip
    part = load_predictions(folder / "runs" / "shear_flow-jepa-0" / "predictions_ridge.npz")["test"]
    own = part.prediction_physical[part.trajectory == 3, 0]
    assert float(points[3]["predicted"]) == pytest.approx(float(np.exp(np.log(own).mean())))
    assert float(points[3]["true"]) == pytest.approx(float(part.target_physical[part.trajectory == 3, 0][0]))
    curves = read_csv(folder / "figures" / "curves.csv")
    raw = read_csv(folder / "runs" / "shear_flow-jepa-0" / "metrics.csv")
    loss = [row["value"] for row in curves if (row["run"], row["curve"]) == ("shear_flow-jepa-0", "loss")]
    assert [float(value) for value in loss] == [float(row["loss"]) for row in raw]


@pytest.mark.parametrize(
    ("learner", "floor", "interval", "tone", "said"),
    [
        (0.3, 0.5, (-0.25, -0.1), "better", "JEPA beats the best floor: error 40\u00a0% lower."),
        (0.6, 0.5, (0.05, 0.2), "worse", "JEPA does not beat the best floor: error 20\u00a0% higher."),
        (0.49, 0.5, (-0.05, 0.04), "unclear", "JEPA and the best floor are not clearly apart."),
        (0.3, None, None, "none", "JEPA: no floor to compare with."),
        (None, 0.5, None, "none", "No self-supervised learner was run."),
    ],
)
def test_verdict(
    learner: float | None, floor: float | None, interval: tuple[float, float] | None, tone: str, said: str
) -> None:
    shown = lead(found(learner, floor, 0.1), paired(*interval) if interval else None)
    assert (shown.tone, shown.verdict) == (tone, said)
    assert any(fact.name == "Better than the floor" for fact in shown.facts) == (interval is not None)


def test_a_share_of_resamples_is_never_certainty() -> None:
    assert [percent(x) for x in (1.0, 0.0, 0.954, math.nan)] == ["> 99.9 %", "< 0.1 %", "95.4 %", "–"]

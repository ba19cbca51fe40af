"""Drawings and the numbers behind them: scales, exact values, cost, and the CSV files of figures."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as xml
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from physrep.benchmark.costs import training_cost
from physrep.benchmark.directory import Bench
from physrep.benchmark.entries import Entry, Headline
from physrep.benchmark.headline import lead
from physrep.formats import column, number, percent, tick
from physrep.metrics import Difference
from physrep.metrics.score import Score
from physrep.probes.predictions import load_predictions
from physrep.report.cost import cost_plot
from physrep.report.draw import NARROW, Plot, curves, dots, matrix
from physrep.report.draw.figure import markup
from physrep.report.figure_data import write_figure_data
from physrep.report.scores import scores_plot
from physrep.report.section import Table
from physrep.report.style import paper
from tests.benchmark.test_leaderboard import FIRST
from tests.helpers.bench_directory import LEARNERS, read_csv, write_bench
from tests.helpers.study_directory import write_study


def entry(learner: str, label: str, kind: str, value: float, seeds: int = 1) -> Entry:
    scores = {("trajectory", "test", "mse", "mean"): Score(value, value - 0.02, value + 0.02)}
    runs = tuple(f"r{seed}" for seed in range(seeds))
    return Entry(
        system="heat", learner=learner, encoder="", probe="ridge", kind=kind, runs=runs, label=label, chosen=True,
        scores=scores, trajectories=30,
    )  # fmt: skip


def found(learner: float | None, floor: float | None, ceiling: float | None, seeds: int = 1) -> Headline:
    return Headline(
        "heat",
        None if learner is None else entry("jepa", "JEPA", "learner", learner, seeds),
        None if floor is None else entry("statistics", "Field statistics", "floor", floor),
        None if ceiling is None else entry("supervised", "Supervised", "ceiling", ceiling),
        [],
    )


def paired(low: float, high: float) -> Difference:
    middle = np.array([0.0, (low + high) / 2])
    return Difference(middle, np.array([0.0, low]), np.array([0.0, high]), middle)


def titles(drawing: str) -> list[str]:
    """What the marks of the drawing for a wide page say."""
    return [node.text or "" for node in wide(drawing).iter("title")]


def wide(drawing: str) -> xml.Element:
    return xml.fromstring(f"<div>{drawing}</div>")[0]


def test_text_of_a_drawing_is_escaped_and_ids_are_its_own(tmp_path: Path) -> None:
    rows = pd.DataFrame({"name": ['<b> & "x"'], "colour": ["#123456"], "value": [0.5], "low": [0.4], "high": [0.6],
                         "said": ['<i> & "y"']})  # fmt: skip
    drawn = [
        Plot([lambda ax, first: dots(ax, rows, limits=(0.0, 1.0))], 1.5).save(tmp_path / f"{name}.png", "<alt>", name)
        for name in ("one", "two")
    ]
    assert set(titles(drawn[0])) == {'<i> & "y"'} and "<b>" not in drawn[0]
    assert any(node.text == '<b> & "x"' for node in wide(drawn[0]).iter("text"))
    ids = [{node.attrib["id"] for node in wide(text).iter() if "id" in node.attrib} for text in drawn]
    assert ids[0] and not ids[0] & ids[1], "two drawings of one page must not share their clips and marks"
    for node in wide(drawn[0]).iter():
        for link in (node.get("href", "#")[1:], *re.findall(r"url\(#([^)]+)\)", " ".join(node.attrib.values()))):
            assert not link or link in ids[0]


def test_a_figure_that_is_narrow_by_itself_is_shown_at_every_width(tmp_path: Path) -> None:
    """Once it was drawn for wide pages alone, and a phone showed its caption under nothing."""
    panel = [lambda ax, first: ax.plot([0, 1])]
    small = Plot(panel, 1.5, width=0.5 * NARROW).save(tmp_path / "small.png", "a point")
    assert small.count("<svg") == 1 and "broad" not in small and "slim" not in small
    wide = Plot(panel, 1.5).save(tmp_path / "wide.png", "a point")
    assert wide.count('class="broad"') == wide.count('class="slim"') == 1


def test_dots_say_the_values_of_the_table_where_they_are(tmp_path: Path) -> None:
    bench = Bench.read(write_bench(tmp_path / "bench"))
    drawing = scores_plot(bench, "shear_flow").save(tmp_path / "scores.png", "scores")
    said = titles(drawing)
    for entry in bench.entries:
        for parameter in ("mean", "Reynolds", "Schmidt"):
            assert any(f"{parameter} MSE {number(entry.score(parameter).value, 4)}" in text for text in said)
    # Marks lie in the order of their values: places are linear in the MSE.
    pairs = []
    for node in wide(drawing).iter("use"):
        text = node.findtext("title") or ""
        if ": mean MSE" in text:
            pairs.append((float(node.attrib["x"]), float(re.search(r"MSE ([\d.]+)", text)[1])))  # type: ignore[index]
    x, y = np.array(pairs).T
    assert len(pairs) == sum(len(probes) for _, probes in LEARNERS.values())
    np.testing.assert_allclose(np.polyval(np.polyfit(y, x, 1), y), x, atol=0.1)


def test_what_lies_outside_is_an_arrow_and_what_is_missing_is_said() -> None:
    rows = pd.DataFrame({"name": ["in", "out", "none"], "colour": "#123456", "value": [0.5, 7.0, math.nan],
                         "low": [0.4, 6.0, math.nan], "high": [0.6, 8.0, math.nan]})  # fmt: skip
    with paper():
        ax = Figure().subplots()
        dots(ax, rows, limits=(0.0, 1.0), values=True)
    marks = {line.get_marker(): line.get_xdata()[0] for line in ax.lines if line.get_marker() != "None"}
    assert marks == {"o": 0.5, ">": 1.0}
    assert [text.get_text() for text in ax.texts] == ["no finite score", "0.500", "7.000", "–"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["in", "out", "none"]


def test_a_curve_holds_all_its_points(tmp_path: Path) -> None:
    x = np.arange(1, 101)
    rows = pd.DataFrame({"curve": "loss", "colour": "#123456", "x": x, "y": 100.0 / x})
    plot = Plot([lambda ax, first: curves(ax, rows, limits=(1.0, 50.0), log_y=True)], 2.0)
    line = next(node for node in wide(plot.save(tmp_path / "c.png", "c")).iter("path") if node.get("class") == "curve")
    values = [tuple(map(float, pair.split(","))) for pair in line.attrib["data-values"].split(" ")]
    places = np.array(re.findall(r"-?[\d.]+", line.attrib["d"]), float).reshape(-1, 2)
    assert len(values) == len(places) == 100, "hovering pairs the points of the path with their values"
    assert [value for value, _ in values] == x.tolist()
    np.testing.assert_allclose(np.diff(places[:, 0]), (places[-1, 0] - places[0, 0]) / 99, atol=0.02)
    assert np.ptp(places[:2, 1]) < 0.02, "what lies beyond the axis is drawn at its end"


def test_a_matrix_writes_and_says_its_cells() -> None:
    values = pd.DataFrame([[0.0, 1.0], [0.25, math.nan]], index=["a", "b"], columns=["c", "d"])
    with paper():
        ax = Figure().subplots()
        matrix(ax, values)
    assert [text.get_text() for text in ax.texts] == ["0.00", "1.00", "0.25", "–"]
    assert [patch.get_gid() for patch in ax.patches] == ["say:a, c: 0.00", "say:a, d: 1.00", "say:b, c: 0.25",
                                                         "say:b, d: –"]  # fmt: skip
    assert ax.texts[0].get_position() == (0, 0) and ax.texts[2].get_position() == (0, 1)


def test_long_names_leave_room_for_the_cells_of_a_matrix() -> None:
    names = ["jepa_published of a long title", "jepa_published of another title"]
    values = pd.DataFrame(0.0, index=names, columns=names)
    plot = Plot([lambda ax, first: matrix(ax, values)], 1.9)
    shown = markup(plot.figure(NARROW), "matrix")  # a warning, so an error, if nothing is left of the axes
    assert "jepa_publis…ng title" in shown and f"{names[0]}, {names[1]}: 0.00" in shown


def test_numbers_of_a_column_have_one_format() -> None:
    assert column([0.181, 0.0134, 1.0]) == ["0.181", "0.013", "1.000"]
    assert column([0.181, 0.2, 2e-6, math.nan, 0.0]) == ["0.181", "0.200", "< 0.001", "–", "0.000"]
    assert column([0.181, 3e-7, 2e-6, math.nan, 0.0]) == ["1.8e−01", "3.0e−07", "2.0e−06", "–", "0.0e+00"]
    scores = [Score(0.5, 0.4, 0.6), Score(0.0311, 0.0, 0.1)]
    table = Table(pd.DataFrame({"who": ["a", "b"], "n": [3, 40], "x": scores}))
    assert table.texts().to_numpy().tolist() == [["a", "3", "0.500"], ["b", "40", "0.031"]]
    assert '<td class="n">0.500<small>[0.400, 0.600]</small></td>' in table.markup()
    assert [tick(x) for x in (0.5, 2e12, 1e13, 0)] == ["0.5", "2·10¹²", "10¹³", "0"]


def test_cost_is_that_of_the_summaries(tmp_path: Path) -> None:
    seeds = {"jepa": ("jepa", "conv3d", "learner", {0: 0.2, 1: 0.3}), "statistics": FIRST["statistics"]}
    bench = Bench.read(write_study(tmp_path / "study", "flow", seeds))
    entry = next(entry for entry in bench.entries if entry.learner == "jepa")
    assert (training_cost(bench, entry).flops, training_cost(bench, entry).seconds) == (1e12, 60.0)
    plot = cost_plot(bench, "flow")
    assert plot is not None
    said = titles(plot.save(tmp_path / "cost.png", "cost"))
    assert "JEPA, ridge: MSE 0.2500, flops 10¹²" in said and "JEPA, ridge: MSE 0.2500, seconds 60" in said
    assert any("(floor): MSE 0.6000" in text for text in said)
    bench.runs["jepa-s1"].summary.pop("flops")
    assert math.isnan(training_cost(bench, entry).flops), "a mean over some of the seeds is no cost"
    bench.runs["jepa-s1"].summary.pop("seconds")
    assert cost_plot(bench, "flow") is None


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
        (0.004, 0.5, (-0.6, -0.4), "better", "JEPA beats the best floor: error 125 times lower."),
        (
            None,
            0.5,
            None,
            "none",
            "Field statistics tell Re and Sc with a mean MSE of 0.500, the best of the floors (no learner was run).",
        ),
        (math.nan, 0.5, None, "none", "JEPA has no finite score: it diverged or is absent."),
    ],
)
def test_verdict(
    learner: float | None, floor: float | None, interval: tuple[float, float] | None, tone: str, said: str
) -> None:
    difference = paired(*interval) if interval else None
    for seeds in (1, 3):
        shown = lead(found(learner, floor, 0.1, seeds), difference, ["Re", "Sc"])
        assert (shown.tone, shown.verdict) == (tone, said)
        # With one seed no share of resamples is told: they say nothing of another seed.
        assert any(f.name == "Better than the floor" for f in shown.facts) == (interval is not None and seeds > 1)


def test_a_share_of_resamples_is_never_certainty() -> None:
    assert [percent(x) for x in (1.0, 0.0, 0.954, math.nan)] == ["> 99.9 %", "< 0.1 %", "95.4 %", "–"]

"""The page: complete, self-contained, small, and robust against whatever is absent."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from physrep.benchmark.directory import Bench
from physrep.errors import PhysrepError
from physrep.formats import number
from physrep.metrics import mse
from physrep.palette import diverging
from physrep.probes.predictions import save_predictions
from physrep.progress import duration
from physrep.report import build_report
from physrep.report.draw import Plot
from physrep.report.training import panel_of
from tests.helpers.bench_directory import LEARNERS, predictions, read_csv, write_bench, write_csv

SECTIONS = ["answer", "table", "cost", "scatter", "curves", "differences", "data", "calibration", "run"]


class Page(HTMLParser):
    """Sections, table cells, images and text of a page; fails on tags that do not match."""

    VOID = ("meta", "img", "br", "link", "hr", "input")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.images: list[str] = []
        self.links: list[str] = []
        self.drawings: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.tables: dict[tuple[str, str], list[list[str]]] = {}
        self._table: list[list[str]] | None = None
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {key: value or "" for key, value in attrs}
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "section":
            self.sections.append(values["id"])
        if tag == "img":
            assert values["alt"]
            self.images.append(values["src"])
        if tag == "svg":
            assert values["aria-label"]
            self.drawings.append(values["class"])
        if tag == "a":
            self.links.append(values["href"])
        if tag == "table":
            self._table = None
            if "data-level" in values:
                self._table = self.tables.setdefault((values["data-system"], values["data-level"]), [])
        if tag == "tr" and self._table is not None:
            self._table.append([])
        if tag in ("td", "small") and self._table is not None:
            self._table[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass  # drawings write empty elements so, and nothing is of interest in them

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"style", "script", "title", "select"} & set(self.open):
            return
        self.text.append(data)
        if self._table and self._table[-1] and {"td", "small"} & set(self.open):
            self._table[-1][-1] += data.strip()


def read_page(path: Path) -> tuple[Page, str]:
    raw = path.read_text(encoding="utf-8")
    page = Page(raw)
    return page, " ".join(" ".join(page.text).split())


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_bench(tmp_path_factory.mktemp("bench"))
    build_report(folder)
    return folder


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of figures, which are not rendered: most of a page's time."""
    names: list[str] = []

    def record(plot: Plot, path: Path, alt: str, name: str = "") -> str:
        names.append(path.name)
        return f'<svg class="{name}" aria-label="{alt}"></svg>'

    monkeypatch.setattr(Plot, "save", record)
    return names


def test_all_sections_and_figures_in_one_small_file(bench: Path) -> None:
    path = bench / "report.html"
    page, text = read_page(path)
    assert page.sections == SECTIONS and all(link[1:] in SECTIONS for link in page.links)
    assert path.stat().st_size < 3_000_000
    assert [image.split(";")[0] for image in page.images] == ["data:image/png"]
    # Every drawing is there for a wide page and for a narrow one.
    assert page.drawings == [
        f"plot {name}".strip() for name in ("dots", "cost", "scatter", "curves", "") for _ in range(2)
    ]
    assert {file.name for file in (bench / "figures").iterdir()} == {
        f"{name}.{ending}"
        for name in ("scores", "scatter", "curves", "cost", "differences")
        for ending in ("png", "csv")
    } | {"samples.png"}  # fmt: skip
    for absent in ("absent", "not calibrated", "No predictions", "nan", "None"):
        assert absent not in text
    assert "JEPA beats the best floor: error" in text and "24 000" in text and "3 min" in text
    assert "encoder convnext3d, 24 000 clips, 3 min" in text


def test_nothing_is_loaded_from_outside(bench: Path) -> None:
    raw = (bench / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"(src|href)\s*=\s*[\"'](?!data:|#)", raw)
    assert not re.search(r"https?://|@import|url\((?!#)|<script[^>]|<link|fetch\(|XMLHttpRequest|import\(", raw)


@pytest.mark.parametrize("level", ["trajectory", "window"])
def test_page_table_repeats_the_csv(bench: Path, level: str) -> None:
    page, _ = read_page(bench / "report.html")
    rows = {tuple(row[:2]): row[2:] for row in page.tables["shear_flow", level] if len(row) > 2}
    assert len(rows) == sum(len(probes) for _, probes in LEARNERS.values())
    values = {
        (row["metric"], row["parameter"]): row
        for row in read_csv(bench / "results.csv")
        if (row["learner"], row["probe"], row["level"], row["split"]) == ("jepa", "attentive", level, "test")
    }
    expected = []
    for name in ("mean", "Reynolds", "Schmidt"):
        score = values["mse", name]
        low, high = number(float(score["ci_low"])), number(float(score["ci_high"]))
        expected += [number(float(score["value"])), f"[{low}, {high}]", number(float(values["r2", name]["value"]))]
    assert rows["JEPA", "attentive"] == expected


def test_page_is_the_same_twice(bench: Path) -> None:
    before = (bench / "report.html").read_bytes()
    assert build_report(bench).read_bytes() == before


def test_results_alone_are_enough(tmp_path: Path) -> None:
    page, text = read_page(build_report(write_bench(tmp_path / "bare", optional=False)))
    assert (
        page.sections == [name for name in SECTIONS if name != "differences"]
        and not page.images
        and page.drawings == ["plot dots", "plot dots"]
    )
    for sentence in ("config.yaml is absent", "environment.json is absent", "samples.npz is absent",
                     "No run recorded curves", "No predictions were saved for", "no summary.json",
                     "data_summary.json is absent", "no run recorded what its training cost",
                     "There is no calibration.csv for it"):  # fmt: skip
        assert sentence in text


def test_one_run_with_nan(tmp_path: Path) -> None:
    folder = write_bench(tmp_path / "one", learners={"jepa": ("learner", {"ridge": 0.3})})
    rows = read_csv(folder / "results.csv")
    write_csv(folder / "results.csv", [{**row, "value": "nan", "ci_low": "", "ci_high": "nan"} for row in rows])
    metrics = folder / "runs" / "shear_flow-jepa-0" / "metrics.csv"
    lines = read_csv(metrics)
    write_csv(metrics, [{**row, "loss": "nan"} if k > 100 else row for k, row in enumerate(lines)])
    _, text = read_page(build_report(folder))
    assert "has no finite score" in text and "loss is not finite from step 1010 on" in text
    assert "not calibrated" in text and "nan" not in text


def test_calibration_file_and_several_seeds(tmp_path: Path, drawn: list[str]) -> None:
    folder = write_bench(tmp_path / "seeds", seeds=(0, 1))
    row = {"level": "window", "parameter": "Reynolds", "best_floor": 0.37, "floor_name": "statistics + ridge",
           "ceiling": 0.111, "ceiling_name": "supervised + head", "ratio": 0.3, "accepted": "True"}  # fmt: skip
    write_csv(folder / "calibration.csv", [row, {**row, "level": "trajectory", "accepted": "False"}])
    _, text = read_page(build_report(folder))
    assert "Up to 2 seeds" in text and "of several seeds the first is shown" in text
    for level, verdict in (("window", "yes"), ("trajectory", "no")):
        assert f"Reynolds {level} 0.370 Field statistics, ridge 0.111 Supervised, own head 0.300 {verdict}" in text
    assert "There is no calibration.csv for it" not in text


@pytest.mark.parametrize(("floor", "ceiling", "accepted"), [(0.3, 0.1, "yes"), (0.3, 0.24, "no"), (0.1, 0.02, "no")])
def test_calibration_is_computed_where_there_is_no_file(
    tmp_path: Path, drawn: list[str], floor: float, ceiling: float, accepted: str
) -> None:
    learners = {"statistics": ("floor", {"ridge": floor}), "supervised": ("ceiling", {"head": ceiling})}
    folder = write_bench(tmp_path / "computed", learners=learners, optional=False)
    _, text = read_page(build_report(folder))
    scores = {
        (row["learner"], row["level"]): number(float(row["value"]))
        for row in read_csv(folder / "results.csv")
        if (row["split"], row["metric"], row["parameter"]) == ("test", "mse", "mean")
    }
    for level in ("window", "trajectory"):
        best, top = (scores[learner, level] for learner in ("statistics", "supervised"))
        assert f"mean {level} {best} Field statistics, ridge {top} Supervised, own head" in text
    verdicts = re.findall(r"own head [\d.]+ (yes|no)\b", text)
    assert len(verdicts) == 6 and set(verdicts) == {accepted}


def test_several_systems(tmp_path: Path, drawn: list[str]) -> None:
    folder = write_bench(tmp_path / "two")
    rows = read_csv(folder / "results.csv")
    heat = [{**row, "system": "heat", "run": row["run"].replace("shear_flow", "heat")} for row in rows]
    write_csv(folder / "results.csv", rows + heat)
    page, text = read_page(build_report(folder))
    assert sorted(page.tables) == [(s, level) for s in ("heat", "shear_flow") for level in ("trajectory", "window")]
    assert "heat JEPA and the best floor" in text and "shear_flow JEPA beats the best floor" in text
    assert {"heat_scores.png", "shear_flow_scores.png", "shear_flow_scatter.png"} <= set(drawn)


def test_paired_difference_equals_the_difference_of_scores(tmp_path: Path) -> None:
    bench = Bench.read(write_bench(tmp_path / "paired", seeds=(0, 1)))
    pick = {(entry.learner, entry.probe): entry for entry in bench.entries}
    jepa, floor = pick["jepa", "ridge"], pick["statistics", "ridge"]
    difference = bench.difference(jepa, floor)
    assert difference is not None
    assert difference.value[-1] == pytest.approx(jepa.value - floor.value, abs=1e-6)
    assert difference.low[-1] < difference.value[-1] < difference.high[-1]


def test_other_test_trajectories_are_not_compared(tmp_path: Path, drawn: list[str]) -> None:
    folder = write_bench(tmp_path / "other")
    other = {"test": predictions(0.3, count=30)}
    save_predictions(folder / "runs" / "shear_flow-jepa-0" / "predictions_ridge.npz", other)
    _, text = read_page(build_report(folder))
    assert "were not scored on the same trajectories" in text and "Paired difference" not in text


def test_text_from_files_is_escaped(tmp_path: Path, drawn: list[str]) -> None:
    folder = write_bench(tmp_path / "escape", learners={"jepa": ("learner", {"ridge": 0.3})})
    (folder / "environment.json").write_text(json.dumps({"cpu": "<script>alert(1)</script>"}))
    raw = build_report(folder).read_text()
    assert "<script>alert" not in raw and raw.count("<script") == 1


def test_broken_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match=r"results\.csv"):
        build_report(tmp_path)
    folder = write_bench(tmp_path / "broken", learners={"jepa": ("learner", {"ridge": 0.3})})
    (folder / "samples.npz").write_bytes(b"no archive")
    with pytest.raises(PhysrepError, match=r"samples\.npz"):
        build_report(folder)


@pytest.mark.parametrize(
    ("column", "panel"),
    [("loss", "loss"), ("valid_loss", "loss"), ("std", "loss"), ("mse_Reynolds", "loss"), ("feature_std", "spread"),
     ("effective_rank", "rank"), ("valid/probe_mse", "probe"), ("probe_r2", None), ("lr", None), ("std_x", None)],
)  # fmt: skip
def test_columns_find_their_panel(column: str, panel: str | None) -> None:
    assert panel_of(column) == panel


def test_diverging_map_is_symmetric_in_lightness() -> None:
    colours = np.array(diverging().colors)
    light = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    assert np.all(np.diff(light[:127]) > 0) and np.all(np.diff(light[129:]) < 0)
    assert mse(light[:128, None], light[:127:-1, None])[0] < 2e-3


def test_durations() -> None:
    seconds = (1.234, 61, 600, 9000, 12780, 187200, float("nan"))
    texts = ["1.2 s", "1 min 1 s", "10 min", "2 h 30 min", "3 h 33 min", "2 d 4 h", "–"]
    assert [duration(x) for x in seconds] == texts


def test_a_benchmark_of_floors_says_what_they_read(tmp_path: Path, drawn: list[str]) -> None:
    floors = {name: own for name, own in LEARNERS.items() if own[0] == "floor"}
    _, text = read_page(build_report(write_bench(tmp_path / "floors", learners=floors)))
    value = float(re.search(r"Field statistics tell Reynolds and Schmidt with a mean MSE of ([\d.]+)", text)[1])  # type: ignore[index]
    assert 0.3 < value < 0.5


def test_best_is_bold_only_where_there_is_something_to_compare(bench: Path, tmp_path: Path, drawn: list[str]) -> None:
    raw = (bench / "report.html").read_text(encoding="utf-8")
    row = re.search(
        r'<tr class="chosen" data-probe="ridge"[^>]*>\s*<td[^>]*><span[^>]*></span>JEPA</td>.*?</tr>', raw, re.S
    )
    assert row is not None and row[0].count(' best"') == 6, "MSE and R² of two parameters and their mean"
    assert raw.count('<td class="n best"') == 2 * 6, "one cell per column, per trajectory and per window"
    alone = write_bench(tmp_path / "alone", learners={"jepa": ("learner", {"ridge": 0.3})})
    assert 'best"' not in re.sub(r"<style>.*?</style>", "", build_report(alone).read_text(encoding="utf-8"), flags=re.S)

"""The untrained twin of every run, and the word for collapsed tokens."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import pytest
import torch

from physrep.benchmark import bench, read_config
from physrep.benchmark.directory import Bench
from physrep.files import read_csv
from physrep.metrics.collapse import collapse_in_words, token_spread
from physrep.report import build_report
from physrep.report.latex import latex_table
from physrep.report.tables import text_table
from tests.helpers.small_data import waves_bench, write_waves


def settings(data: Path, *, random: bool) -> dict:
    runs = [
        {"learner": "constant"},
        {"learner": "statistics"},
        {"learner": "jepa"},
        {"learner": "masked_pixels"},
        {"learner": "supervised", "training": {"select": "best"}},
    ]
    return waves_bench(data, 6, [*runs, *([{"learner": "random"}] if random else [])], analyses={})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_waves(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bench(read_config(settings(data, random=True), "test"), tmp_path_factory.mktemp("bench"))


def test_the_twin_of_a_matched_learner_is_the_floor_random_and_costs_nothing(finished: Path) -> None:
    rows = read_csv(finished)
    key = ("probe", "level", "parameter", "split", "metric")
    random = {tuple(r[k] for k in key): r["value"] for r in rows if r["learner"] == "random"}
    for learner in ("jepa", "masked_pixels", "supervised"):
        own = [r for r in rows if r["learner"] == learner and r["probe"] == "ridge"]
        assert own and all(r["untrained"] == random[tuple(r[k] for k in key)] for r in own)
        assert any(r["untrained"] != r["value"] for r in own)
    assert not list((finished.parent / "untrained").glob("*/scores.json"))
    notes = {r["learner"]: r["untrained_note"] for r in rows if r["probe"] in ("ridge", "none")}
    assert notes["constant"] == notes["statistics"] == "has no weights"
    assert notes["random"] == "is untrained itself"
    heads = {(r["untrained"], r["untrained_note"]) for r in rows if r["probe"] == "head"}
    assert heads == {("", "is its own reading, which no untrained one has")}


def test_without_that_floor_the_twins_are_computed_once_and_after_a_kill_again(
    finished: Path, data: Path, tmp_path: Path
) -> None:
    path = bench(read_config(settings(data, random=False), "test"), tmp_path / "out")
    assert len(list((path.parent / "untrained").glob("*/scores.json"))) == 1  # one for three learners
    assert not list((path.parent / "untrained").glob("*/tokens"))
    first = path.read_bytes()
    values = {(r["run"], r["level"], r["parameter"], r["split"], r["metric"]): r["untrained"] for r in read_csv(path)
              if r["probe"] == "ridge" and r["learner"] == "jepa"}  # fmt: skip
    shared = {(r["run"], r["level"], r["parameter"], r["split"], r["metric"]): r["untrained"]
              for r in read_csv(finished) if r["probe"] == "ridge" and r["learner"] == "jepa"}  # fmt: skip
    assert values == shared
    shutil.rmtree(path.parent / "untrained")
    assert bench(read_config(settings(data, random=False), "test"), tmp_path / "out").read_bytes() == first


def test_tokens_stored_with_half_the_digits_are_compared_as_they_are_stored(data: Path, tmp_path: Path) -> None:
    values = waves_bench(data, 6, [{"learner": "jepa"}, {"learner": "random"}], analyses={}) | {
        "token_dtype": "float16"
    }
    rows = read_csv(bench(read_config(values, "test"), tmp_path / "out"))
    assert not (tmp_path / "out" / "untrained").exists()
    assert {r["untrained_note"] for r in rows if r["learner"] == "jepa"} == {"its tokens are those of random-s0"}


def test_a_finished_benchmark_builds_no_untrained_learner(
    finished: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(*arguments: object) -> None:
        raise AssertionError("built again")

    before = finished.read_bytes()
    monkeypatch.setattr("physrep.benchmark.untrained.prepare_learner", build)
    assert bench(read_config(settings(data, random=True), "test"), finished.parent).read_bytes() == before


def test_page_and_tables_show_them(finished: Path) -> None:
    page = build_report(finished.parent).read_text(encoding="utf-8")
    assert "untrained MSE" in page and "Constant, Field statistics: has no weights." in page
    read = Bench.read(finished.parent)
    over = (read.rows, read.identities)
    assert "directions" in text_table(*over)
    latex = latex_table(*over)
    assert "untrained MSE & directions" in latex and "has no weights" in latex
    entry = next(e for e in read.entries if e.learner == "jepa")
    assert entry.participation >= 1 and math.isfinite(entry.twin())


def test_collapse_in_words() -> None:
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(200, 8, generator=generator)
    assert collapse_in_words(token_spread(tokens)) == []
    line = torch.randn(200, 1, generator=generator) * torch.arange(1.0, 9.0)
    assert collapse_in_words(token_spread(line + 1e-3 * tokens)) == [
        "collapse: the tokens vary along 1.0 of 8 directions (participation ratio)"
    ]
    tokens[:, :2] = 1.0
    assert collapse_in_words(token_spread(tokens)) == [
        "collapse: 25 % of the channels of the tokens do not vary over the test windows"
    ]
    # As many samples as channels, or fewer: the Gram matrix of the samples has the same eigenvalues.
    few = torch.randn(5, 8, generator=generator)
    centred = few - few.mean(0)
    values = torch.linalg.eigvalsh(centred.T.double() @ centred.double())
    assert token_spread(few).participation == pytest.approx(float(values.sum() ** 2 / values.square().sum()))

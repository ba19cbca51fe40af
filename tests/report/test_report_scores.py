"""Grouping of the long table, choice on valid, and tables that repeat its numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from physrep.benchmark import read_results
from physrep.benchmark.entries import headline, make_entries, parameter_names
from physrep.errors import PhysrepError
from physrep.formats import number
from physrep.learners.identity import identity_of_summary
from physrep.report import markdown_table, text_table
from tests.helpers.bench_directory import read_csv, write_bench


def long_rows(
    learner: str, probe: str, valid: float, test: float, seed: int = 0, run: str = "", **more: Any
) -> list[dict[str, Any]]:
    """Rows of one probe: both levels, both splits, one parameter and the mean."""
    return [
        {
            "system": "heat", "learner": learner, "encoder": "", "probe": probe, "level": level, "parameter": parameter,
            "split": split, "metric": "mse", "value": value, "ci_low": value - 0.05, "ci_high": value + 0.05,
            "n_trajectories": 20, "n_train_trajectories": 64, "seed": seed, "run": run or f"{learner}-s{seed}", **more,
        }
        for level in ("window", "trajectory") for parameter in ("kappa", "mean")
        for split, value in (("valid", valid), ("test", test))
    ]  # fmt: skip


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bench(tmp_path_factory.mktemp("bench"), optional=False)


def test_groups_are_ordered_and_kinds_come_from_summaries() -> None:
    rows = long_rows("supervised", "head", 0.1, 0.1) + long_rows("oracle", "ridge", 0.1, 0.1)
    rows += long_rows("jepa", "ridge", 0.2, 0.2) + long_rows("random", "ridge", 0.3, 0.3)
    assert [entry.kind for entry in make_entries(rows)] == ["floor", "learner", "learner", "ceiling"]
    known = {"oracle-s0": identity_of_summary({"kind": "ceiling", "label": "Oracle", "colour": "#123456"}, "oracle")}
    entries = make_entries(rows, known)
    assert [entry.learner for entry in entries] == ["random", "jepa", "supervised", "oracle"]
    assert (entries[-1].name, entries[-1].colour) == ("Oracle", "#123456")
    with pytest.raises(PhysrepError, match="kind 'roof'"):
        identity_of_summary({"kind": "roof"}, "oracle")


def test_probe_is_chosen_on_valid_not_on_test() -> None:
    entries = make_entries(long_rows("jepa", "ridge", 0.3, 0.1) + long_rows("jepa", "attentive", 0.2, 0.4))
    assert [(entry.probe, entry.chosen) for entry in entries] == [("ridge", False), ("attentive", True)]


def test_a_probe_that_diverged_on_valid_is_not_chosen() -> None:
    entries = make_entries(long_rows("jepa", "ridge", math.nan, 0.1) + long_rows("jepa", "attentive", 5.0, 5.0))
    assert [entry.chosen for entry in entries] == [False, True]


def test_seeds_are_averaged_and_variants_kept_apart() -> None:
    seeds = make_entries(long_rows("jepa", "ridge", 0.2, 0.2, 0) + long_rows("jepa", "ridge", 0.4, 0.4, 1))
    assert len(seeds) == 1 and len(seeds[0].runs) == 2
    assert seeds[0].score() == pytest.approx((0.3, 0.15, 0.45))
    variants = make_entries(
        long_rows("jepa", "ridge", 0.2, 0.2, run="wide") + long_rows("jepa", "ridge", 0.4, 0.4, run="deep")
    )
    assert [(entry.label, entry.chosen) for entry in variants] == [("JEPA (wide)", True), ("JEPA (deep)", True)]


def test_headline_chooses_floor_and_learner_on_valid() -> None:
    rows = long_rows("statistics", "ridge", 0.3, 0.5) + long_rows("pixels", "ridge", 0.4, 0.45)
    rows += long_rows("jepa", "ridge", 0.2, 0.4) + long_rows("mpp", "ridge", 0.25, 0.1)
    found = headline(make_entries(rows), "heat")
    assert found.floor is not None and found.floor.learner == "statistics"
    assert found.learner is not None and found.learner.learner == "jepa"
    assert [entry.learner for entry in found.others] == ["mpp"] and found.ceiling is None


def test_missing_columns_and_empty_tables_are_named() -> None:
    with pytest.raises(PhysrepError, match=r"results\.csv"):
        make_entries([])
    with pytest.raises(PhysrepError, match="'metric'"):
        make_entries([{"system": "heat", "learner": "jepa", "probe": "", "level": "", "parameter": "", "split": ""}])


@pytest.mark.parametrize("level", ["trajectory", "window"])
def test_tables_repeat_the_numbers_of_the_csv(bench: Path, level: str) -> None:
    rows = read_csv(bench / "results.csv")
    markdown, text = markdown_table(rows, level=level, all_probes=True), text_table(rows, level=level, all_probes=True)
    cells = {tuple(part.strip() for part in line.split("|")[2:4]): line for line in markdown.splitlines()[2:]}
    assert len(cells) == len({(row["learner"], row["probe"]) for row in rows})
    line = cells["JEPA", "ridge"]
    for row in rows:
        if (row["learner"], row["probe"], row["level"], row["split"]) != ("jepa", "ridge", level, "test"):
            continue
        if row["metric"] == "mse" or (row["metric"], row["parameter"]) == ("r2", "mean"):
            assert number(float(row["value"])) in line and number(float(row["value"])) in text
        if row["metric"] == "mse" and row["parameter"] == "mean":
            interval = f"[{number(float(row['ci_low']))}, {number(float(row['ci_high']))}]"
            assert interval in line and interval in text


def test_tables_show_one_probe_per_learner_by_default(bench: Path) -> None:
    rows = read_csv(bench / "results.csv")
    markdown = markdown_table(rows)
    assert markdown.count("JEPA") == 1 and markdown.count("Pooled pixels") == 1
    columns = {line.count("|") for line in markdown.splitlines()}
    assert columns == {4 + len(parameter_names(make_entries(rows))) + 3 - 1}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.12345, "0.123"),
        (-0.5, "−0.500"),
        (-0.0001, "−1e−04"),
        (0.0, "0.000"),
        (math.nan, "–"),
        (math.inf, "–"),
        (12345.0, "1.2e+04"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_results_are_a_frame_with_labels_and_kinds(tmp_path: Path) -> None:
    folder = write_bench(tmp_path / "bench")
    frame, rows = read_results(folder), read_csv(folder / "results.csv")
    assert frame["value"].tolist() == [float(row["value"]) for row in rows] and frame["run"][0] == rows[0]["run"]
    kinds = dict(zip(frame["learner"], zip(frame["label"], frame["kind"], strict=True), strict=True))
    assert kinds["jepa"] == ("JEPA", "learner") and kinds["statistics"] == ("Field statistics", "floor")
    test = frame.query("split == 'test' and level == 'trajectory' and metric == 'mse' and probe == 'ridge'")
    wide = test.pivot(index="label", columns="parameter", values="value")
    assert list(wide.columns) == ["Reynolds", "Schmidt", "mean"] and wide.notna().all(axis=None)

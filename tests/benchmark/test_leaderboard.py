"""Ranks that are known beforehand, intervals that hold what they should, and studies that must not be mixed."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from physrep.benchmark.leaderboard import BoardRow, leaderboard
from physrep.benchmark.studies import read_studies, repeated_runs
from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.report.leaderboard_formats import format_board
from tests.helpers.study_directory import write_study

FIRST = {
    "jepa": ("jepa", "conv3d", "learner", {0: 0.1}),
    "big": ("jepa", "vit3d", "learner", {0: 0.2}),
    "statistics": ("statistics", "none", "floor", {0: 0.6}),
    "supervised": ("supervised", "conv3d", "ceiling", {0: 0.01}),
}
SECOND = {
    "jepa": ("jepa", "conv3d", "learner", {0: 0.3}),
    "big": ("jepa", "vit3d", "learner", {0: 0.05}),
    "statistics": ("statistics", "none", "floor", {0: 0.8}),
}


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    return [write_study(tmp_path / "flow", "flow", FIRST), write_study(tmp_path / "heat", "heat", SECOND, data_seed=1)]


def board(folders: list[Path], **options: object) -> dict[str, BoardRow]:
    lines, _ = leaderboard(read_studies(folders), **options)  # type: ignore[arg-type]
    return {line.title: line for line in lines}


def test_planted_ranks_and_errors(two: list[Path]) -> None:
    lines = board(two, n_resamples=300)
    assert list(lines) == ["jepa", "big", "statistics", "supervised"]
    assert (lines["jepa"].rank, lines["big"].rank, lines["statistics"].rank) == (1.5, 1.5, 3.0)
    # Errors are six times apart, so that no resample can turn them round.
    assert (lines["statistics"].low, lines["statistics"].high) == (3.0, 3.0)
    assert lines["jepa"].mse == pytest.approx({"flow": 0.1, "heat": 0.3}, rel=1e-6)
    assert lines["supervised"].rank != lines["supervised"].rank, "who sees labels is not ranked"


def test_intervals_hold_what_is_unsure(tmp_path: Path) -> None:
    close = {"a": ("jepa", "conv3d", "learner", {0: 0.300}), "b": ("operator", "conv3d", "learner", {0: 0.301})}
    lines = board([write_study(tmp_path / "close", "flow", close)])
    assert (lines["a"].rank, lines["a"].low, lines["a"].high) == (1.0, 1.0, 2.0)
    # The mean of the seeds is far apart, a single seed is not: only with seeds in the bootstrap is that unsure.
    seeds = {"a": ("jepa", "conv3d", "learner", {0: 0.01, 1: 0.01, 2: 0.8}),
             "b": ("operator", "conv3d", "learner", {0: 0.4})}  # fmt: skip
    lines = board([write_study(tmp_path / "seeds", "flow", seeds)])
    assert lines["a"].seeds == 3 and lines["a"].mse["flow"] == pytest.approx(0.82 / 3)
    assert (lines["a"].rank, lines["a"].low, lines["a"].high) == (1.0, 1.0, 2.0)
    flat = {"a": ("jepa", "conv3d", "learner", dict.fromkeys(range(3), 0.82 / 3)), "b": seeds["b"]}
    lines = board([write_study(tmp_path / "flat", "flow", flat)])
    assert (lines["a"].low, lines["a"].high) == (1.0, 1.0)


def test_fewer_systems_come_last_or_not_at_all(two: list[Path], tmp_path: Path) -> None:
    more = {**FIRST, "only": ("operator", "conv3d", "learner", {0: 0.001})}
    folders = [write_study(tmp_path / "more", "flow", more), two[1]]
    lines = board(folders, n_resamples=50)
    assert list(lines)[:4] == ["jepa", "big", "statistics", "only"] and lines["only"].rank == 1.0
    assert lines["jepa"].rank == 2.0, "it is second where a better one is, and second on the other system"
    lines = board(folders, common=True, n_resamples=50)
    assert lines["jepa"].rank == 1.5 and lines["only"].rank != lines["only"].rank


def test_the_same_run_counts_once_and_another_keeps_its_study(two: list[Path], tmp_path: Path) -> None:
    copy = write_study(tmp_path / "copy", "flow", FIRST)
    assert board([two[0], copy]).keys() == {"jepa", "big", "statistics", "supervised"}
    # Three seeds, the first of which is in the other study as well: nothing is counted twice.
    seeds = {**FIRST, "jepa": ("jepa", "conv3d", "learner", {0: 0.1, 1: 0.11, 2: 0.12})}
    whole = write_study(tmp_path / "whole", "flow", seeds)
    lines = board([two[0], whole])
    assert "jepa" in lines and lines["jepa"].seeds == 3
    assert repeated_runs(read_studies([two[0], whole]))["flow", "jepa-s0"] == "whole"
    other = write_study(tmp_path / "other", "flow", {**FIRST, "jepa": ("jepa", "conv3d", "learner", {0: 0.15})})
    lines = board([two[0], other])
    assert {"jepa [flow]", "jepa [other]", "big"} <= set(lines) and "jepa" not in lines


def test_without_predictions_there_is_a_rank_and_no_interval(tmp_path: Path) -> None:
    lines = board([write_study(tmp_path / "bare", "flow", FIRST, keep_predictions=False)])
    assert lines["jepa"].rank == 1.0 and lines["jepa"].low != lines["jepa"].low


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data_seed": 7}, "different test trajectories"),
        ({"resolution": (32, 64)}, "differ in resolution"),
        ({"count": 50}, "60 and 50 test trajectories"),
        ({"scale": 1.1}, "z-scored differently"),
        ({"keep_predictions": False}, "cannot be told"),
    ],
)
def test_other_test_sets_are_refused(
    two: list[Path], tmp_path: Path, changes: dict[str, object], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_study(tmp_path / "other", "flow", SECOND, **changes)  # type: ignore[arg-type]
    with pytest.raises(PhysrepError, match=reason):
        read_studies([two[0], other])
    for command in (["leaderboard"], ["compare", "--out", str(tmp_path / "out")]):
        assert main([*command[:1], str(two[0]), str(other), *command[1:]]) == 2
        error = capsys.readouterr().err
        assert reason in error and str(other) in error and len(error.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_formats_say_the_same(two: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["leaderboard", *map(str, two), "--n-resamples", "100"]
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert main([*arguments, "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["title"] for row in rows] == ["jepa", "big", "statistics", "supervised"]
    assert float(rows[0]["mse_heat"]) == pytest.approx(0.3) and rows[3]["mse_heat"] == "" == rows[3]["mean_rank"]
    assert main([*arguments, "--format", "markdown"]) == 0
    table = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in table}) == 1 and len(table) == 6
    for row, printed, line in zip(rows, text.splitlines()[2:], table[2:], strict=False):
        assert printed.split()[0] == line.split("|")[1].strip() == row["title"]
        if row["mean_rank"]:
            assert f"{float(row['mean_rank']):.2f}" in printed and f"{float(row['mean_rank']):.2f}" in line
    assert main([*arguments, "--format", "html"]) == 2


def test_a_pipe_in_a_title_does_not_break_the_table() -> None:
    line = format_board([BoardRow("a|b", "", "learner", {"flow": 0.1}, 1, 1.0, 1.0, 1.0)], ["flow"], "markdown")
    assert r"a\|b" in line

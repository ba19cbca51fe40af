"""The search: equal for every objective, chosen on valid, and the same after a kill as without one."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from physrep.benchmark import bench, expand, read_config
from physrep.benchmark import search as engine
from physrep.benchmark.entries import make_entries
from physrep.benchmark.open_bench import OpenBench
from physrep.errors import PhysrepError
from tests.helpers.small_data import waves_bench, write_waves

pytest.importorskip("optuna")


def settings(data: Path, trials: int = 2) -> dict[str, Any]:
    runs = [
        {"learner": "statistics"},
        {"learner": "jepa", "name": "jepa_published"},
        {"learner": "jepa", "options": {"level": "clip", "target": "random", "projector": [8, 8]}},
    ]
    search = {"trials": trials, "budget": 1e6}
    return waves_bench(data, 4, runs, operations=1e6, search=search, seeds=[0, 1], analyses={})


def test_every_objective_gets_as_many_trials_and_operations_and_tables_keep_forms_and_tracks_apart(
    tmp_path: Path,
) -> None:
    data = write_waves(tmp_path / "data")
    path = bench(read_config(settings(data), "test"), tmp_path / "out")
    with open(path.parent / "search.csv", newline="") as file:
        trials = list(csv.DictReader(file))
    titles = [trial["title"] for trial in trials]
    assert titles == ["jepa_published"] * 2 + ["jepa"] * 2
    assert [
        sum(t["title"] == name and t["chosen"] == "True" for t in trials) for name in ("jepa_published", "jepa")
    ] == [
        1,
        1,
    ]
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    from physrep.learners.identity import identity_of_summary
    from physrep.run_directory import read_summary, read_yaml

    runs = {row["run"]: row["learner"] for row in rows}
    known = {run: identity_of_summary(read_summary(path.parent / "runs" / run), name) for run, name in runs.items()}
    entries = [entry for entry in make_entries(rows, known) if entry.learner == "jepa"]
    assert [(entry.label, len(entry.runs)) for entry in entries] == [
        ("JEPA (published; jepa_published)", 2),
        ("JEPA (published; jepa_published_same_operations)", 2),
        ("JEPA (clips, any windows; jepa)", 2),
        ("JEPA (clips, any windows; jepa_same_operations)", 2),
    ]
    # What was chosen is what every seed and both tracks trained with.
    best = next(t["settings"] for t in trials if t["title"] == "jepa" and t["chosen"] == "True")
    rates = {
        f"{read_yaml(path.parent / 'runs' / run / 'config.yaml')['training']['learning_rate']:.4g}"
        for run in ("jepa-s0", "jepa-s1", "jepa_same_operations-s0")
    }
    assert rates == {best.partition("learning_rate=")[2].partition(";")[0]}
    # Page and LaTeX hold every trial.
    from physrep.benchmark.directory import Bench
    from physrep.cli.report import finish
    from physrep.report.sections.search import search_sections

    section = search_sections(Bench.read(path.parent))[0]
    table = section.tables[0].texts()
    assert list(table["Learner"]) == ["JEPA (published; jepa_published)"] * 2 + ["JEPA (clips, any windows; jepa)"] * 2
    assert list(table["Settings"]) == [trial["settings"] for trial in trials]
    assert [cell == "chosen" for cell in table[""]] == [trial["chosen"] == "True" for trial in trials]
    assert section.sentences[0].startswith("2 trials of every learner")
    latex = finish(path.parent, "latex")
    assert latex.count(r"\begin{table}") == 2 and all(f"& {row} &" in latex for row in ("0", "1"))
    assert 'id="search"' in (path.parent / "report.html").read_text(encoding="utf-8")


def test_a_killed_search_goes_on_to_the_same_trials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_config(settings(tmp_path, trials=6), "test")
    run = next(run for run in expand(config) if run.title == "jepa_published")
    counted: list[int] = []

    def trial(run: Any, number: int, *rest: Any) -> dict[str, Any]:
        counted.append(number)
        value = abs(run.training.learning_rate - 2e-3) + run.options["regulariser"]["sim"] / 100
        return {"valid_mse": value, "steps": 1, "flops": 1.0, "seconds": 0.0}

    monkeypatch.setattr(engine, "_trial", trial)

    def go(folder: str, trials: int = 6) -> list[dict[str, Any]]:
        own = replace(config, search=replace(config.search, trials=trials))
        work = OpenBench(own, own.data, tmp_path / folder, "cpu", opened={})
        return engine.search_one("jepa_published", run, work, "waves")

    whole = go("whole")
    go("killed", 2)
    assert counted == [0, 1, 2, 3, 4, 5, 0, 1]
    assert go("killed") == whole and counted[8:] == [2, 3, 4, 5]
    assert sum(trial["chosen"] for trial in whole) == 1
    assert min(whole, key=lambda trial: trial["valid_mse"])["chosen"]


def test_a_seed_of_a_run_and_an_unknown_probe_are_refused(tmp_path: Path) -> None:
    config = read_config({**settings(tmp_path), "search": {"trials": 2, "seed": 1}}, "test")
    with pytest.raises(PhysrepError, match="seed 1 is that of a run"):
        engine.searched(expand(config), config)
    config = read_config({**settings(tmp_path), "search": {"trials": 2, "probe": "attentive"}}, "test")
    with pytest.raises(PhysrepError, match="'attentive' is not among"):
        engine.searched(expand(config), config)

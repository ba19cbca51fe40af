"""A benchmark end to end on small real files: the table, its columns, resuming after a kill, planted faults."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from physrep.benchmark import COLUMNS, bench, calibration, expand, read_config
from physrep.errors import PhysrepError
from physrep.files import read_csv
from tests.helpers.small_data import waves_bench, write_waves

COLUMNS_OF_THE_ISSUE = (
    "system,learner,encoder,probe,level,parameter,split,metric,value,ci_low,ci_high,n_trajectories,"
    "n_train_trajectories,seed,run,participation_ratio,collapse,untrained,untrained_note"
)


def settings(data: Path) -> dict[str, Any]:
    runs = [
        {"learner": "constant"},
        {"learner": "statistics"},
        {"learner": "pixels", "options": {"grid": [1, 2, 2]}},
        {"learner": "random"},
        {"learner": "jepa"},
        {"learner": "supervised", "training": {"select": "best"}},
    ]
    probes = {"ridge": {}, "attentive": {"epochs": 2, "learning_rates": [1e-3], "weight_decays": [0.01]}}
    return waves_bench(data, 12, runs, probes=probes, n_resamples=100)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_waves(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bench(read_config(settings(data), "test"), tmp_path_factory.mktemp("bench"))


def test_columns(finished: Path) -> None:
    assert ",".join(COLUMNS) == COLUMNS_OF_THE_ISSUE
    assert finished.read_text().splitlines()[0] == COLUMNS_OF_THE_ISSUE


def test_every_run_is_scored_on_valid_and_test(finished: Path) -> None:
    rows = read_csv(finished)
    assert {row["learner"] for row in rows} == {"constant", "statistics", "pixels", "random", "jepa", "supervised"}
    probes = {
        learner: {r["probe"] for r in rows if r["learner"] == learner} for learner in ("constant", "jepa", "supervised")
    }
    assert probes == {
        "constant": {"none"},
        "jepa": {"ridge", "attentive"},
        "supervised": {"ridge", "attentive", "head"},
    }
    assert {row["split"] for row in rows} == {"valid", "test"}
    assert {row["parameter"] for row in rows} == {"rate", "mean"}
    for row in rows:
        assert float(row["ci_low"]) <= float(row["value"]) <= float(row["ci_high"]), row


def test_the_constant_scores_one(finished: Path) -> None:
    """On valid and test the spread of the labels differs from that of train, but not much."""
    values = [float(r["value"]) for r in read_csv(finished) if r["learner"] == "constant" and r["metric"] == "mse"]
    assert all(0.2 < value < 3 for value in values)


def test_a_planted_rate_is_found_by_the_statistics(finished: Path) -> None:
    value = next(
        float(r["value"])
        for r in read_csv(finished)
        if (r["learner"], r["probe"], r["split"], r["level"], r["parameter"], r["metric"])
        == ("statistics", "ridge", "test", "trajectory", "rate", "mse")
    )
    assert value < 0.5


def test_files_beside_the_table(finished: Path) -> None:
    names = {path.name for path in finished.parent.iterdir()}
    assert {"config.yaml", "environment.json", "data_summary.json", "samples.npz", "calibration.csv", "runs"} <= names
    assert {"config.yaml", "weights.safetensors", "metrics.csv", "summary.json", "scores.json"} <= {
        path.name for path in (finished.parent / "runs" / "jepa-s0").iterdir()
    }


def test_the_page_is_built_from_these_files(finished: Path) -> None:
    from physrep.report import build_report

    assert "JEPA" in build_report(finished.parent).read_text(encoding="utf-8")


def test_a_second_call_reuses_everything(finished: Path, data: Path) -> None:
    watched = [p for p in finished.parent.glob("runs/*/*") if p.name in ("weights.safetensors", "probe_ridge.json")]
    before = {path: path.stat().st_mtime_ns for path in watched if "jepa" in str(path)}
    text = finished.read_text()
    bench(read_config(settings(data), "test"), finished.parent)
    assert finished.read_text() == text
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_more_runs_can_be_added_to_a_finished_benchmark(finished: Path, data: Path, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "bench"
    shutil.copytree(finished.parent, folder)
    more = settings(data)
    more["runs"].append({"learner": "jepa", "name": "jepa-clips", "options": {"level": "clip", "target": "random"}})
    rows = read_csv(bench(read_config(more, "test"), folder))
    assert "jepa-clips-s0" in {row["run"] for row in rows}
    assert [r for r in rows if r["run"] != "jepa-clips-s0"] == read_csv(finished)


def test_jobs_do_not_change_the_table(finished: Path, data: Path, tmp_path: Path) -> None:
    both = bench(read_config({**settings(data), "jobs": 2}, "test"), tmp_path / "bench")
    assert both.read_text() == finished.read_text()


def test_killed_at_any_moment_it_ends_in_the_same_table(finished: Path, data: Path, tmp_path: Path) -> None:
    config, out = tmp_path / "bench.yaml", tmp_path / "out"
    config.write_text(yaml.safe_dump(settings(data), sort_keys=False))
    command = [sys.executable, "-m", "physrep", "bench", str(config), "--out", str(out)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    # Killed once as soon as each of these exists: during the first training, between runs, during probing.
    for mark in ("runs/jepa-s0/state.pt", "runs/supervised-s0/config.yaml", "runs/random-s0/tokens/valid/meta.json"):
        process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 600
        while not (out / mark).exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert (out / mark).exists() and not (out / "results.csv").exists(), "killed too late to test anything"
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert (out / "results.csv").read_text() == finished.read_text()


def test_a_planted_leak_stops_the_benchmark(data: Path, tmp_path: Path) -> None:
    import shutil

    leaky = tmp_path / "waves"
    shutil.copytree(data, leaky, ignore=shutil.ignore_patterns("cache"))
    shutil.copy(leaky / "data/train/waves_0000.hdf5", leaky / "data/test/waves_0001.hdf5")
    with pytest.raises(PhysrepError, match="train"):
        bench(read_config({**settings(data), "data": {"path": str(leaky)}}, "test"), tmp_path / "bench")
    assert not (tmp_path / "bench" / "results.csv").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"trainning": {}}, "no setting 'trainning'; did you mean 'training'"),
        ({"training": {"step": 3}}, "training: there is no setting 'step'; did you mean 'steps'"),
        ({"training": {"steps": "many"}}, "steps: 'many' is not valid"),
        ({"probes": {"rigde": {}}}, "no probe 'rigde'; did you mean 'ridge'"),
        ({"probes": {"ridge": {"penalty": 1}}}, "no option 'penalty'"),
        ({"runs": []}, "at least one run"),
        ({"runs": [{"learner": "jeppa"}]}, "did you mean 'jepa'"),
        ({"runs": [{"learner": "jepa"}, {"learner": "jepa"}]}, "two runs are called 'jepa'; give"),
        (
            {"runs": [{"learner": "jepa", "seeds": [0]}, {"learner": "jepa", "seeds": [1]}]},
            "two runs are called 'jepa'; give",
        ),
        (
            {"runs": [{"learner": "jepa"}, {"learner": "jepa", "name": "JEPA"}]},
            "two runs are called 'JEPA' and 'jepa', which many file systems take for the same",
        ),
        (
            {"runs": [{"learner": "jepa", "name": "mu\u0308"}, {"learner": "jepa", "name": "m\u00fc"}]},
            "two runs are called 'm.+' and 'm.+', which many",
        ),
        ({"runs": [{"learner": "jepa", "name": "a"}, {"learner": "jepa", "name": "a."}]}, "called 'a.' and 'a', which"),
        (
            {"probes": {"ridge": {}, "physrep.probes:RidgeProbe": {}, "physrep.probes.ridge:RidgeProbe": {}}},
            "two probes in tables are called 'RidgeProbe'",
        ),
        ({"runs": [{"learner": "statistics", "encoder": "vit3d"}]}, "takes no encoder"),
        ({"runs": [{"learner": "jepa", "options": {"row": 1}}]}, "no option 'row'"),
        ({"runs": [{"encoder": "vit3d"}]}, "'learner' is missing"),
        ({"encoder": "tests.helpers.small_data:decaying_waves", "encoder_options": {}}, "torch.nn.Module"),
        ({"num_frames": 64}, "frames"),
        ({"data": {"path": "/nowhere/at/all"}}, "/nowhere/at/all"),
    ],
)
def test_bad_configurations_are_one_sentence(change: dict[str, Any], message: str, data: Path, tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match=message) as caught:
        config = read_config({**settings(data), **change}, "my.yaml")
        bench(config, tmp_path / "bench")
    assert "\n" not in str(caught.value)


def test_untrained_floors_without_random_numbers_run_once(data: Path) -> None:
    names = [run.name for run in expand(read_config({**settings(data), "seeds": [0, 1]}, "test"))]
    assert names.count("statistics-s0") == 1
    assert "statistics-s1" not in names
    assert {"random-s0", "random-s1", "jepa-s1", "supervised-s1"} <= set(names)


def test_calibration_chooses_on_valid_and_reads_test() -> None:
    def row(learner: str, probe: str, split: str, value: float) -> dict[str, Any]:
        common = {"metric": "mse", "level": "window", "parameter": "Re", "run": learner}
        return {**common, "learner": learner, "probe": probe, "split": split, "value": value}

    rows = [
        row("statistics", "ridge", "valid", 0.30),
        row("statistics", "ridge", "test", 0.40),
        row("random", "ridge", "valid", 0.35),
        row("random", "ridge", "test", 0.20),
        row("supervised", "head", "valid", 0.10),
        row("supervised", "head", "test", 0.25),
    ]
    (entry,) = calibration(rows)
    assert (entry["best_floor"], entry["floor_name"], entry["ceiling"]) == (0.40, "statistics + ridge", 0.25)
    assert entry["accepted"]
    rows[1]["value"] = 0.14
    assert not calibration(rows)[0]["accepted"]
    rows[0]["value"] = float("nan")
    assert calibration(rows)[0]["floor_name"] == "random + ridge"

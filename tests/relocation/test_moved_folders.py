"""A folder that is moved goes on where it is, holds no place of where it was, and ends in the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import physrep
from physrep.cli.main import main
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_json, read_yaml, write_json, write_yaml
from physrep.relocation import found_place, stored_place
from physrep.run_directory import load_run, run_data
from tests.helpers.small_data import TINY_ENCODER, write_waves
from tests.helpers.study_settings import tiny_study

TRAINING: dict[str, Any] = {"steps": 6, "batch_size": 4, "checkpoint_every": 2, "log_every": 2, "probe_every": 0}
OF_THE_CALL = (
    "environment.json", "summary.json", "log.txt", "cost.csv", "report.html", "study.html", "state.pt", "finished.json",
    "fit.json",
)  # fmt: skip
"""Files that tell when and for how long, and those that hold such; all others are to be the same."""


def bench_settings(data: str = "") -> dict[str, Any]:
    simulation = {"trajectories": 20, "resolution": [16, 16], "frames": 12, "splits": [0.6, 0.2, 0.2]}
    return {
        "system": "heat" if not data else "waves",
        **({"data": {"path": data}} if data else {"simulation": simulation}),
        "num_frames": 4, "eval_stride": 4, **TINY_ENCODER, "training": TRAINING, "n_resamples": 50, "jobs": 1,
        "runs": [
            {"learner": "statistics"},
            {"learner": "jepa"},
            {"learner": "finetuned", "init_from": "jepa", "options": {"base": "jepa", "base_options": TINY_ENCODER}},
        ],
    }  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        own = path.name in OF_THE_CALL or path.suffix in (".png", ".lock", ".mp4") or "lease" in path.name
        if path.is_file() and not own and "/cache/" not in f"/{name}":
            found[name] = path.read_bytes()
    return found


def differing(now: dict[str, bytes], before: dict[str, bytes]) -> list[str]:
    return sorted(name for name in {*now, *before} if now.get(name) != before.get(name))


def holding(folder: Path, place: Path) -> list[str]:
    """Files that hold the name of a place."""
    return [str(p) for p in sorted(folder.rglob("*")) if p.is_file() and str(place).encode() in p.read_bytes()]


def moved(folder: Path, to: Path) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    return Path(shutil.move(folder, to))


def make_unfinished(run: Path) -> None:
    """As after a kill in the middle of the training: the state is there, the result is not."""
    for name in ("weights.safetensors", "summary.json", "scores.json", "finished.json"):
        (run / name).unlink()
    shutil.rmtree(run / "tokens")


def test_places_relative_to_a_folder(tmp_path: Path) -> None:
    assert stored_place("data/waves", "runs/jepa") == "../../data/waves"
    assert found_place("../../data/waves", "runs/jepa") == "data/waves"
    bench = tmp_path / "b" / "q"
    bench.mkdir(parents=True)
    waves = str(bench / "data" / "waves")
    assert stored_place(waves, bench / "runs" / "jepa-s0") == waves, "runs beside data are no benchmark"
    (bench / "config.yaml").touch()
    for run in ("runs/jepa-s0", "search/jepa/trial-0"):
        assert stored_place(waves, bench / run) == ("../" * run.count("/")) + "../data/waves", "inside the benchmark"
        beside = str(tmp_path / "b" / "waves")
        assert stored_place(beside, bench / run) == beside, "as given"
    assert stored_place("hf://datasets/x", "/a") == found_place("hf://datasets/x", "/a") == "hf://datasets/x"


@pytest.mark.parametrize("inside", [True, False])
def test_a_moved_benchmark_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: bool) -> None:
    first, second = tmp_path / "first", tmp_path / "second" / "elsewhere"
    first.mkdir()
    config = tmp_path / "config.yaml"
    monkeypatch.chdir(tmp_path)
    if not inside:
        write_waves(first / "data")
    # Given relative, data beside the benchmark move with it.
    config.write_text(yaml.safe_dump(bench_settings("" if inside else "first/data/waves")))
    out = first / "bench"
    assert main(["bench", str(config), "--out", str(out)]) == 0
    before = contents(out)
    assert "runs/finetuned-s0/probe_ridge.json" in before and "results.csv" in before
    assert not holding(out, tmp_path)
    moved(first, second)
    out = second / "bench"
    make_unfinished(out / "runs" / "jepa-s0")
    (out / "results.csv").unlink()
    monkeypatch.chdir(second)
    assert main(["bench", "bench/config.yaml", "--out", "bench"]) == 0
    assert not differing(contents(out), before)
    assert not holding(out, tmp_path)
    assert main(["probe", "bench/runs/jepa-s0"]) == 0


def test_a_run_whose_data_were_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, out = write_waves(tmp_path / "far" / "a"), tmp_path / "near" / "by" / "jepa"
    training = physrep.TrainingConfig(**TRAINING)

    def pretrain(place: Path, run: Path) -> Path:
        config = DataConfig(path=str(place))
        return physrep.pretrain("jepa", config, run, options=TINY_ENCODER, num_frames=4, training=training)

    pretrain(data, out)
    assert read_yaml(out / "config.yaml")["data"]["path"] == str(data), "an absolute place elsewhere stays as given"
    weights = (out / "weights.safetensors").read_bytes()
    there = moved(data, tmp_path / "other" / "waves")
    for name in ("weights.safetensors", "summary.json"):
        (out / name).unlink()
    pretrain(there, out)
    assert (out / "weights.safetensors").read_bytes() == weights
    assert read_yaml(out / "config.yaml")["data"]["path"] == str(there), "it says where they lie now"
    another = write_waves(tmp_path / "far" / "b", n=30)
    with pytest.raises(PhysrepError, match="another data"):
        pretrain(another, out)

    monkeypatch.chdir(tmp_path / "other")
    run = pretrain(Path("waves"), Path("run"))
    assert read_yaml(run / "config.yaml")["data"]["path"] == "../waves"
    moved(tmp_path / "other", tmp_path / "moved" / "again")
    run = tmp_path / "moved" / "again" / "run"
    assert Path(run_data(load_run(run)[1]).path) == run.parent / "waves"
    assert main(["probe", str(run)]) == 0


def test_a_moved_fit_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_waves(first)
    monkeypatch.chdir(tmp_path)
    floors = ["--budget", "1s", "--floors", "statistics", "constant"]
    assert main(["fit", "first/waves", "--out", "first/fit", *floors]) == 0
    before = contents(first / "fit")
    assert not holding(first / "fit", tmp_path)
    moved(first, second)
    state = read_json(second / "fit" / "fit.json")
    state["done"].pop("constant-s0")
    write_json(second / "fit" / "fit.json", state)
    (second / "fit" / "results.csv").unlink()
    assert main(["fit", "second/waves", "--out", "second/fit", *floors]) == 0
    assert not differing(contents(second / "fit"), before)
    # A fit of physrep before data had an identity: its runs tell which data it was fitted to.
    state = read_json(second / "fit" / "fit.json")
    state["asked"]["data"] = {**state["asked"]["data"], "path": str(first / "waves")}
    del state["asked"]["data"]["content"]
    write_json(second / "fit" / "fit.json", state)
    capsys.readouterr()
    assert main(["fit", "second/waves", "--out", "second/fit", *floors]) == 0
    assert f"second/waves are taken for those that it was fitted to, in {first / 'waves'}" in capsys.readouterr().out
    write_waves(tmp_path / "other", n=30)
    assert main(["fit", "other/waves", "--out", "second/fit", *floors]) == 2
    assert main(["predict", str(second / "fit"), str(second / "waves" / "data" / "test"), "--out", "answers"]) in (0, 3)


def test_a_moved_study_goes_on(tmp_path: Path) -> None:
    first, second = tmp_path / "first" / "study", tmp_path / "second" / "elsewhere"
    config = tmp_path / "study.yaml"
    config.write_text(yaml.safe_dump(tiny_study()))
    assert main(["study", str(config), "--out", str(first)]) == 0
    before = contents(first)
    assert "fit_metrics.json" in before
    assert not holding(first, tmp_path)
    moved(first, second)
    (second / "fit_metrics.json").unlink()
    shutil.rmtree(second / "embeddings" / "rgb16")
    assert main(["study", str(second / "config.yaml"), "--out", str(second)]) == 0
    assert not differing(contents(second), before)


def without_content(run: Path, data: Path) -> None:
    """As physrep wrote runs before data had an identity: an absolute path, and nothing else."""
    config = read_yaml(run / "config.yaml")
    config["data"].pop("content", None)
    config["data"]["path"] = str(data)
    write_yaml(run / "config.yaml", config)


@pytest.mark.parametrize("left", ["weights.safetensors", "state.pt"])
def test_a_copied_run_without_the_identity_of_its_data_goes_on(
    left: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = write_waves(tmp_path / "here"), tmp_path / "here" / "jepa"
    training = physrep.TrainingConfig(**TRAINING)

    def pretrain(place: Path, out: Path) -> Path:
        config = DataConfig(path=str(place))
        return physrep.pretrain("jepa", config, out, options=TINY_ENCODER, num_frames=4, training=training)

    pretrain(data, run)
    weights = (run / "weights.safetensors").read_bytes()
    without_content(run, data)
    copy = moved(tmp_path / "here", tmp_path / "there")
    if left == "state.pt":
        make_unfinished_run(copy / "jepa")
    capsys.readouterr()
    pretrain(copy / "waves", copy / "jepa")
    assert (copy / "jepa" / "weights.safetensors").read_bytes() == weights
    lines = [line for line in capsys.readouterr().err.splitlines() if "taken for those" in line]
    assert lines == [
        f"{copy / 'jepa'}: the data in {copy / 'waves'} are taken for those that it was trained on, in {data}."
    ]
    without_content(copy / "jepa", data)
    with pytest.raises(PhysrepError, match="another data"):
        pretrain(write_waves(tmp_path / "other", n=30), copy / "jepa")


def make_unfinished_run(run: Path) -> None:
    assert (run / "state.pt").is_file()
    for name in ("weights.safetensors", "summary.json"):
        (run / name).unlink()

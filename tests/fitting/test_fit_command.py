"""A data set becomes an instrument: floors first, pretraining in what is left, resumable, and it can be asked."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

import physrep
from physrep import progress
from physrep.cli.main import main
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_json, read_record, read_rows, write_json, write_record
from physrep.fitting import fit as module
from physrep.fitting import fit_instrument, state
from physrep.fitting.budget import encoder_settings, seconds_of
from physrep.fitting.endless import endless
from physrep.readout import chosen_run
from physrep.simulation import SimulationConfig, simulate


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = SimulationConfig(
        trajectories=80, resolution=[16, 16], frames=12, save_dt=0.05, splits=[0.5, 0.25, 0.25],
        ranges={"diffusivity": [1e-3, 5e-3]},
    )  # fmt: skip
    return simulate("heat", tmp_path_factory.mktemp("fit"), settings, workers=1)


@pytest.fixture(scope="module")
def pretrained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"encoder": "conv3d", "encoder_options": {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]]}}
    training = physrep.TrainingConfig(steps=3, batch_size=4, probe_every=0)
    out = tmp_path_factory.mktemp("runs") / "mine"
    return physrep.pretrain("jepa", DataConfig(path=str(data)), out, options=options, num_frames=4, training=training)


def test_fit_then_predict(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["fit", str(data), "--out", str(out), "--budget", "0", "--floors", "statistics", "spectra"]
    assert main(command) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("scales of the parameters: diffusivity log"), "as the system says"
    assert re.search(r"trajectories \d+ of train, \d+ of valid, \d+ of test;", said[0])
    assert said[1].startswith("statistics") and said[2].startswith("spectra"), "the floors come first"
    assert "What needs no training already knows diffusivity with R2 1.00 (spectra)" in said[3]
    assert any(line.startswith("jepa: not pretrained") for line in said), "no budget, and that is said"
    assert said[-1] == f"ask new recordings with: physrep predict {out} FILES"
    rows = read_rows(out / "runs" / "spectra-s0" / "scores.json")
    (told,) = [line for line in said if line.startswith("Chosen on valid: spectra with ")]
    probe = told.split()[5].rstrip(".")
    scores = {
        (row["split"], row["metric"]): row["value"]
        for row in rows
        if (row["probe"], row["level"], row["parameter"]) == (probe, "trajectory", "diffusivity")
    }
    assert f"the 20 trajectories of test, MSE {scores['test', 'mse']:.4f}" in told
    assert f"R2 diffusivity {scores['test', 'r2']:.2f}:" in told
    assert f"{scores['valid', 'mse']:.4f}" not in told, "what chose it is not told as its score"
    assert (out / "report.html").is_file() and (out / "results.csv").is_file()
    assert chosen_run(out).name == read_json(out / "fit.json")["chosen"] == "spectra-s0"
    assert main(["predict", str(out), str(data / "data" / "test")]) == 0
    assert "diffusivity" in capsys.readouterr().out
    assert len(physrep.load_readout(out).predict(data / "data" / "test")) == 20
    assert main(["fit", str(data), "--out", str(out), "--budget", "2s", "--floors", "statistics", "spectra"]) == 2
    assert "another budget" in capsys.readouterr().err


def test_a_killed_fit_goes_on_to_the_same(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "steps_within", lambda *_: 4)
    monkeypatch.setattr(module, "FEWEST", 2)

    def fit(out: Path) -> module.FinishedFit:
        return fit_instrument(DataConfig(path=str(data)), out, floors=["statistics"], budget=1000, num_frames=4,
                              probes=["ridge"], say=lambda _: None)  # fmt: skip

    whole = fit(tmp_path / "whole")
    assert [own.run for own in whole.candidates] == ["statistics-s0", "jepa-s0"]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    done = module.execute
    monkeypatch.setattr(module, "execute", lambda run, *rest: killed() if run.learner == "jepa" else done(run, *rest))
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "killed")
    assert read_json(tmp_path / "killed" / "fit.json")["plan"] == {"jepa": 4}, "decided once"
    with pytest.raises(PhysrepError, match="has not finished"):
        chosen_run(tmp_path / "killed")
    monkeypatch.setattr(module, "execute", done)
    monkeypatch.setattr(module, "steps_within", lambda *_: 9)  # a slower machine now: the plan stands
    again = fit(tmp_path / "killed")
    assert [(own.run, own.valid, own.test) for own in again.candidates] == [
        (own.run, own.valid, own.test) for own in whole.candidates
    ]
    weights = [
        (tmp_path / name / "runs" / "jepa-s0" / "weights.safetensors").read_bytes() for name in ("whole", "killed")
    ]
    assert weights[0] == weights[1]


def test_given_runs_keep_their_view(data: Path, pretrained: Path, tmp_path: Path) -> None:
    found = fit_instrument(DataConfig(path=str(data)), tmp_path / "out", floors=["statistics"], runs=[pretrained],
                           learners=[], num_frames=6, probes=["ridge"], say=lambda _: None)  # fmt: skip
    assert {own.run for own in found.candidates} == {"statistics-s0", "mine-s0"}
    assert physrep.load_run(tmp_path / "out" / "runs" / "mine-s0")[0].num_frames == 4
    assert np.isfinite(next(own.test for own in found.candidates if own.run == "mine-s0"))


def test_what_fails_is_said_and_left_out(data: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = fit_instrument(DataConfig(path=str(data)), tmp_path / "out", floors=["statistics", "pde_regression"],
                           learners=[], num_frames=2, probes=["ridge"], say=said.append)  # fmt: skip
    assert found.chosen.learner == "statistics"
    assert next(own for own in found.candidates if own.learner == "pde_regression").failure
    assert any(line.startswith("pde_regression") and "left out" in line for line in said)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (["/nowhere"], "/nowhere: "),
        (["DATA", "--budget", "soon"], "is no time"),
        (["DATA", "--parameters", "viscosity"], "viscosity"),
        (["DATA", "--scales.viscosity", "log"], "scales: there is no parameter 'viscosity'"),
        (["DATA", "--scales.diffusivity", "square"], "'square'; use one of linear, log"),
    ],
)
def test_bad_input_is_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: list[str], sentence: str
) -> None:
    arguments = [str(data) if word == "DATA" else word for word in wrong]
    assert main(["fit", *arguments, "--out", str(tmp_path / "out")]) == 2
    said = [
        line
        for line in capsys.readouterr().err.splitlines()
        if not line.startswith(("check:", "device:", "look through", "statistics:"))
    ]
    assert len(said) == 1 and said[0].startswith("physrep fit: ") and sentence in said[0]


def test_an_unknown_device_is_one_sentence_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match="device is 'tpu'; give auto"):
        fit_instrument(DataConfig(path=str(data)), tmp_path / "out", device="tpu")
    assert not (tmp_path / "out").exists()


def test_times_and_encoders() -> None:
    assert [seconds_of(text) for text in ("90", "90s", "10m", "1.5h", 7)] == [90, 90, 600, 5400, 7]
    assert encoder_settings((32, 64), 8) == {
        "dims": [32, 64, 128], "strides": [[2, 2, 2], [2, 2, 2], [2, 2, 2]], "groups": 32
    }  # fmt: skip
    small = encoder_settings((8, 16), 2)
    assert small is not None and small["strides"] == [[2, 2, 2], [1, 1, 2], [1, 1, 1]]
    assert encoder_settings((8, 8, 8), 4)["strides"] == [[2, 2, 2, 2], [2, 1, 1, 1], [1, 1, 1, 1]]
    assert encoder_settings((8,), 4)["strides"] == [[2, 2], [2, 1], [1, 1]]


def test_a_damaged_record_is_refused(data: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "fit.json", {"asked": {}, "done": {}, "plan": {}, "chosen": None})
    with pytest.raises(PhysrepError, match="choose another --out"):
        fit_instrument(DataConfig(path=str(data)), tmp_path)


class Clock:
    """A machine on which every look at the clock is a second later."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        self.seconds += 1.0
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "now", clock)
    monkeypatch.setattr(module, "now", clock)
    monkeypatch.setattr(state, "now", clock)
    return clock


def test_a_training_that_is_slower_than_planned_ends_in_time(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(module, "steps_within", lambda *_: 400)
    said: list[str] = []
    found = fit_instrument(DataConfig(path=str(data)), tmp_path, floors=["statistics"], budget=150, num_frames=4,
                           probes=["ridge"], say=said.append)  # fmt: skip
    assert [own.run for own in found.candidates if not own.failure] == ["statistics-s0", "jepa-s0"], "it is kept"
    steps = read_json(tmp_path / "runs" / "jepa-s0" / "summary.json")["steps"]
    assert 10 < steps < 150
    assert f"jepa: trained for {steps} of 400 planned steps, then its time was up." in said
    assert read_json(tmp_path / "fit.json")["spent"] <= 170


def test_what_the_budget_does_not_hold_is_left_out(data: Path, tmp_path: Path, clock: Clock) -> None:
    said: list[str] = []
    found = fit_instrument(DataConfig(path=str(data)), tmp_path, floors=["statistics", "spectra", "classical"],
                           budget=20, num_frames=4, probes=["ridge"], say=said.append)  # fmt: skip
    assert found.chosen.run == "statistics-s0", "the first candidate is always finished"
    assert any("its time is up" in own.failure or "is spent" in own.failure for own in found.candidates)
    assert any("longer than the budget" in line for line in said)


def test_plan_tells_the_parts_and_writes_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["fit", str(data), "--out", str(out), "--budget", "10m", "--floors", "statistics", "--plan"]) == 0
    said = capsys.readouterr().out
    assert "embed statistics-s0" in said and "jepa-s0" in said and "The budget is 10 min of wall time" in said
    assert not out.exists()
    assert main(["fit", str(data), "--out", str(out), "--budget", "1s", "--floors", "statistics", "--plan"]) == 0
    assert "jepa is not pretrained" in capsys.readouterr().out
    given = ["--budget", "1s", "--floors", "statistics", "--runs", "my/run", "--plan"]
    assert main(["fit", str(data), "--out", str(out), *given]) == 0
    assert "the given runs (my/run) is not measured" in capsys.readouterr().out


def test_endless_intervals_are_said_with_who_has_others(data: Path, tmp_path: Path) -> None:
    found = fit_instrument(DataConfig(path=str(data)), tmp_path, floors=["statistics", "spectra"], learners=[])
    assert endless(found.chosen, found.candidates, tmp_path) is None

    def too_few(run: str) -> None:
        for file in (tmp_path / "runs" / run).glob("readout_*.json"):
            content = read_record(file)
            content["trajectories"] |= {
                "half_width": [math.inf],
                "n_valid": 4,
                "source": "valid folds",
                "local": {"list": [None]},
            }
            write_record(file, content)

    too_few(found.chosen.run)
    said = endless(found.chosen, found.candidates, tmp_path)
    assert said is not None and "endless: they come from 4 valid trajectories, and 9 are the least" in said
    assert "statistics has intervals, from 40 of train: physrep predict" in said and "statistics-s0 FILES" in said
    too_few("statistics-s0")
    assert "divide the data otherwise" in str(endless(found.chosen, found.candidates, tmp_path))

"""New recordings are answered in physical units, with intervals that cover and a verdict that can say no."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import torch

import physrep
from physrep.benchmark import bench, read_config
from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.files import read_json, read_record, write_json, write_record
from physrep.probes import PROBES, RidgeProbe, load_predictions
from physrep.probes.fit import predict_splits
from physrep.readout import Basis, Instrument, Novelty, background, read_readout, readout_names
from physrep.readout.conformal import Conformal
from physrep.readout.held_out import HeldOut
from physrep.report import prediction_page
from physrep.simulation import SimulationConfig, simulate
from physrep.tokens import TokenStore

SHAPE = {"resolution": [16, 16], "frames": 12, "save_dt": 0.05}


def heat(out: Path, low: float, high: float, trajectories: int, seed: int = 0, **other: object) -> Path:
    settings = {**SHAPE, "ranges": {"diffusivity": [low, high]}, "trajectories": trajectories, "seed": seed, **other}
    return simulate("heat", out, SimulationConfig(**settings), workers=1)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark of a floor with every probe, and the oracle."""
    root = tmp_path_factory.mktemp("readout")
    data = heat(root / "train", 1e-3, 5e-3, 200, splits=[0.5, 0.25, 0.25])
    quick = {"attentive": {"epochs": 1}, "mlp": {"epochs": 2}}
    config = {
        "data": {"path": str(data)},
        "num_frames": 6,
        "eval_stride": 3,
        "probes": {name: quick.get(name, {}) for name in PROBES},
        "runs": [{"learner": "spectra"}, {"learner": "pde_regression", "probes": ["ridge"]}],
        "n_resamples": 50,
    }
    bench(read_config(config, "test"), root / "bench")
    return root / "bench" / "runs"


@pytest.mark.parametrize("probe", PROBES)
def test_a_stored_probe_gives_the_predictions_of_the_fitted_one(probe: str, run: Path) -> None:
    instrument = Instrument(run / "spectra-s0", probe)
    files = sorted((run.parents[1] / "train" / "heat" / "data" / "test").glob("*.hdf5"))
    table = instrument.predict(files)
    stored = load_predictions(run / "spectra-s0" / f"predictions_{probe}.npz")["test"]
    z = np.stack([stored.prediction[stored.trajectory == t].mean(0) for t in np.unique(stored.trajectory)])
    expected = instrument.readout.scaler.inverse(torch.from_numpy(z).double()).numpy()[:, 0]
    np.testing.assert_allclose(table["estimate"].to_numpy(), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "source", "count"),
    [("ridge", "train", 100), ("kernel_ridge", "train", 100), ("knn", "train", 100), ("logistic", "valid folds", 50),
     ("mlp", "valid folds", 50), ("attentive", "valid folds", 50)],
)  # fmt: skip
def test_intervals_come_from_trajectories_that_nothing_was_fitted_or_chosen_on(
    name: str, source: str, count: int, run: Path
) -> None:
    readout = read_readout(run / "spectra-s0", name)
    for own, windows in ((readout.trajectories, 1), (readout.windows, 3)):
        assert (own.source, own.n_valid, own.n_test) == (source, windows * count, windows * 50)
    assert readout.probe is not None and readout.probe.valid_grid_ is None, "not stored"
    assert read_readout(run / "pde_regression-s0", "direct").trajectories.source == "valid"


def test_a_learner_that_saw_train_takes_no_errors_from_there(run: Path) -> None:
    """A floor in the place of a learner: its train errors must not count then."""
    stores = {s: TokenStore.open(run / "spectra-s0" / "tokens" / s) for s in ("train", "valid", "test")}
    scaler = read_readout(run / "spectra-s0", "ridge").scaler
    probe = RidgeProbe()
    predicted = predict_splits(probe, stores, scaler, "ridge")
    sources = {}
    for trainable, kind in ((False, "floor"), (True, "learner"), (False, "learner"), (True, "ceiling")):
        learner: Any = SimpleNamespace(trainable=trainable, kind=kind)
        held = HeldOut.of(probe, Basis(learner, stores, {}, scaler, 3, run), predicted)
        sources[trainable, kind] = held.source
    assert sources.pop((False, "floor")) == "train" and set(sources.values()) == {"valid folds"}
    probe.valid_grid_ = None
    assert HeldOut.of(probe, Basis(learner, stores, {}, scaler, 3, run), predicted).source == "valid"


def test_recordings_like_those_of_training_are_inside_and_covered(run: Path, tmp_path: Path) -> None:
    new = heat(tmp_path, 1e-3, 5e-3, 80, seed=7)
    table = Instrument(run / "spectra-s0", "ridge").predict(str(new))
    truth = np.concatenate([_scalar(file, "diffusivity") for file in _files(new)])
    covered = (table["low"].to_numpy() <= truth) & (truth <= table["high"].to_numpy())
    assert 0.8 <= covered.mean() <= 1.0
    assert (table["inside"] != "outside").mean() >= 0.95


def test_the_command_says_outside_first_and_ends_with_3(run: Path, tmp_path: Path, capsys) -> None:
    far = heat(tmp_path, 4e-2, 6e-2, 12, seed=1, allow_underresolved=True)
    capsys.readouterr()
    assert main(["predict", str(run / "spectra-s0"), str(far), "--probe", "ridge"]) == 3
    said = capsys.readouterr().out
    assert said.splitlines()[0].startswith("12 of 12 recordings are OUTSIDE")
    assert "false alarms on test" in said and "the file says" in said


def test_the_page_begins_with_what_is_outside(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prediction_page, "SHOWN", 0)
    far = heat(tmp_path / "far", 4e-2, 6e-2, 5, seed=1, allow_underresolved=True)
    test = run.parents[1] / "train" / "heat" / "data" / "test"
    asked = [
        "predict",
        str(run / "spectra-s0"),
        str(test),
        str(far),
        "--probe",
        "ridge",
        "--out",
        str(tmp_path / "out"),
    ]
    assert main(asked) == 3
    page = (tmp_path / "out" / "predictions.html").read_text()
    words = re.findall(r'<span style="color:#\w+">([a-z ]+)</span>', page)
    assert words.count("outside") >= 5 and len(words) == 55
    assert words == sorted(words, key=["outside", "at the edge", "inside"].index)
    assert page.count("unlike those of training") >= 5, "with the reasons beside it"


def test_noise_another_time_step_and_another_grid_are_outside(run: Path, tmp_path: Path) -> None:
    instrument = Instrument(run / "spectra-s0", "ridge")
    (file, *_) = _files(heat(tmp_path / "a", 1e-3, 5e-3, 12, seed=3))
    with h5py.File(file, "r+") as data:
        fields = data["t0_fields/temperature"]
        noise = np.random.default_rng(0).normal(size=fields.shape).astype(np.float32)
        fields[...] = fields[()] + 0.3 * fields[()].std() * noise
    noisy = instrument.predict(file)
    assert (noisy["inside"] == "outside").all() and noisy["reasons"].str.contains("unlike").all()
    slow = instrument.predict(str(heat(tmp_path / "b", 1e-3, 5e-3, 12, seed=3, save_dt=0.15)))
    assert slow["reasons"].str.contains("time step").all() and (slow["inside"] == "outside").all()
    fine = instrument.predict(str(heat(tmp_path / "c", 1e-3, 5e-3, 12, seed=3, resolution=[24, 24])))
    assert fine["reasons"].str.contains("spacing").all()


def test_the_oracle_answers_without_a_probe(run: Path) -> None:
    table = Instrument(run / "pde_regression-s0", "direct").predict(str(run.parents[1] / "train" / "heat"))
    truth = np.concatenate([_scalar(f, "diffusivity") for f in _files(run.parents[1] / "train" / "heat")])
    np.testing.assert_allclose(table["estimate"].to_numpy(), truth, rtol=1e-2)


def test_arrays_need_dt_and_dx(run: Path) -> None:
    instrument = physrep.load_readout(run / "spectra-s0", "ridge")
    (file, *_) = _files(run.parents[1] / "train" / "heat")
    with h5py.File(file) as data:
        array = data["t0_fields/temperature"][()][:, :, None]
    from_file = instrument.predict(file)
    from_array = instrument.predict(array, dt=0.05, dx=1 / 16)
    np.testing.assert_allclose(from_array["estimate"], from_file["estimate"], rtol=1e-5)
    with pytest.raises(PhysrepError, match="dt"):
        instrument.predict(array)
    with pytest.raises(PhysrepError, match="shape"):
        instrument.predict(array[0, 0], dt=0.05, dx=1 / 16)
    with pytest.raises(PhysrepError, match="no argument 'spacing'; give dt, dx"):
        instrument.predict(array, dt=0.05, spacing=1 / 16)


def test_parameters_keep_their_columns_whatever_their_names(tmp_path: Path) -> None:
    """JSON sorts keys: names in another order than that of the alphabet once came back with each other's values."""
    settings = {"ranges": {"diffusivity": [1e-3, 5e-3]}, "trajectories": 120, "splits": [0.5, 0.25, 0.25], "seed": 2}
    root = simulate("advection_diffusion", tmp_path, SimulationConfig(**SHAPE, **settings), workers=1)  # pyright: ignore[reportArgumentType]
    names = sorted(physrep.open_splits(root)["train"].parameter_names, reverse=True)
    config = {
        "data": {"path": str(root), "parameters": names},
        "num_frames": 6,
        "eval_stride": 3,
        "runs": [{"learner": "pde_regression"}],
        "resamples": 20,
        "jobs": 1,
    }
    bench(read_config(config, "test"), tmp_path / "bench")
    table = Instrument(tmp_path / "bench" / "runs" / "pde_regression-s0").predict(str(root))
    for name in names:
        truth = np.concatenate([_scalar(file, name) for file in _files(root)])
        np.testing.assert_allclose(table["estimate"][table["parameter"] == name], truth, rtol=0.2, atol=0.05)


def test_files_of_the_answer(run: Path, tmp_path: Path, capsys) -> None:
    test = run.parents[1] / "train" / "heat" / "data" / "test"
    for style in ("csv", "json"):
        main(["predict", str(run / "spectra-s0"), str(test), "--format", style, "--out", str(tmp_path / "out")])
        said = capsys.readouterr().out
        assert said.strip()
    rows = list(csv.DictReader((tmp_path / "out" / "predictions.csv").read_text().splitlines()))
    assert {row["level"] for row in rows} == {"trajectory", "window"}
    content = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert content["recordings"] and set(content["training_range"]) == {"diffusivity"}
    page = (tmp_path / "out" / "predictions.html").read_text()
    assert "diffusivity" in page and "cover" in page
    assert (tmp_path / "out" / "figures" / "recording0.png").is_file()


def test_neighbours_of_a_training_trajectory_are_itself_and_alike(run: Path) -> None:
    instrument = Instrument(run / "spectra-s0", "ridge")
    data = physrep.open_splits(run.parents[1] / "train" / "heat")["train"]
    rows = data.windows(6, 3)
    for trajectory in (0, 57):
        clip = data.clip(rows[rows[:, 0] == trajectory], 6)
        nearest = instrument.ask(clip).neighbours
        assert nearest[0].trajectory == trajectory and nearest[0].distance < 0.01
        assert nearest[0].parameters["diffusivity"] == pytest.approx(float(data.parameters[trajectory, 0]))
        distances = [own.distance for own in nearest]
        assert distances == sorted(distances) and distances[1] > 0.05


def test_spectra_of_a_data_set_are_computed_once(run: Path) -> None:
    assert (run.parent / "spectra" / "6" / "test" / "meta.json").is_file()
    stored = {
        name: read_readout(run / name).background.spectra.field_mean for name in ("spectra-s0", "pde_regression-s0")
    }
    assert torch.equal(*stored.values())


def test_nested_cross_validation_leaves_a_readout_that_covers(run: Path, tmp_path: Path) -> None:
    config = {
        "data": {"path": str(run.parents[1] / "train" / "heat")},
        "num_frames": 6,
        "eval_stride": 3,
        "probes": {"ridge": {}},
        "runs": [{"learner": "spectra"}, {"learner": "pde_regression"}],
        "n_resamples": 50,
        "jobs": 1,
        "protocol": {"nested_cv": {"folds": 4, "seeds": 1, "pool": ["train", "test"]}},
    }
    bench(read_config(config, "test"), tmp_path / "bench")
    readout = read_readout(tmp_path / "bench" / "runs" / "spectra-s0", "ridge")
    # 100 of train and 50 of test, each predicted by a probe that had not seen it.
    assert readout.trajectories.n_valid == readout.trajectories.n_test == 150 and readout.windows.source == "pool"
    assert 0.82 <= readout.trajectories.coverage[0] <= 0.97
    assert 0 <= readout.false_alarms[1] <= readout.false_alarms[0] <= 0.25
    new = heat(tmp_path / "new", 1e-3, 5e-3, 80, seed=7)
    table = Instrument(tmp_path / "bench" / "runs" / "spectra-s0", "ridge").predict(str(new))
    truth = np.concatenate([_scalar(file, "diffusivity") for file in _files(new)])
    assert ((table["low"] <= truth) & (truth <= table["high"])).mean() >= 0.8
    assert (table["inside"] != "outside").mean() >= 0.95
    assert read_readout(tmp_path / "bench" / "runs" / "pde_regression-s0", "direct").probe is None


def test_a_benchmark_is_refused_with_its_runs(run: Path) -> None:
    with pytest.raises(PhysrepError, match="pde_regression-s0, spectra-s0"):
        physrep.load_readout(run.parent)


def test_a_folder_without_readouts_names_the_command_that_makes_them(run: Path, tmp_path: Path) -> None:
    """As the last version left it: of a run by itself, of a benchmark, and of a fit."""
    with pytest.raises(PhysrepError, match=f"`physrep probe {tmp_path}` fits"):
        read_readout(tmp_path)
    with pytest.raises(PhysrepError, match="it has attentive"):
        read_readout(run / "spectra-s0", "oracle")
    old = run.parents[1] / "old"  # where its data, which its config names from there, lie as before
    shutil.copytree(run.parent, old)
    for path in old.glob("runs/*/readout_*"):
        path.unlink()
    for place in (old, old / "runs" / "spectra-s0"):
        with pytest.raises(PhysrepError, match=f"`physrep bench {old}/config.yaml --out {old}` fits"):
            physrep.load_readout(place)
    assert main(["bench", f"{old}/config.yaml", "--out", str(old)]) == 0
    assert readout_names(old / "runs" / "spectra-s0") == readout_names(run / "spectra-s0")
    assert readout_names(old / "runs" / "pde_regression-s0") == ["direct", "ridge"]
    write_json(tmp_path / "fit" / "fit.json", {"asked": {"data": {"path": "my_data"}}, "chosen": "spectra-s0"})
    shutil.copytree(run / "spectra-s0", tmp_path / "fit" / "runs" / "spectra-s0")
    for path in (tmp_path / "fit").glob("runs/*/readout_*"):
        path.unlink()
    with pytest.raises(PhysrepError, match=f"`physrep fit \\S*my_data --out {tmp_path / 'fit'}` with the options"):
        physrep.load_readout(tmp_path / "fit")


def test_a_planted_class_is_not_loaded(run: Path, tmp_path: Path) -> None:
    for file in (run / "spectra-s0").glob("readout_ridge.*"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    content = read_record(tmp_path / "readout_ridge.json")
    content["novelty"]["mapping"][0][1]["object"] = "subprocess:Popen"
    write_json(tmp_path / "readout_ridge.json", {**read_json(tmp_path / "readout_ridge.json"), **content})
    with pytest.raises(PhysrepError, match="has changed since it was written"):
        read_readout(tmp_path, "ridge")
    write_record(tmp_path / "readout_ridge.json", content)
    with pytest.raises(PhysrepError, match="no class of physrep"):
        read_readout(tmp_path, "ridge")


def test_conformal_width_by_hand() -> None:
    errors = np.arange(1.0, 10.0)[:, None]  # 9 errors: the ceil(10 * 0.9) = 9th smallest
    assert Conformal.fit(errors, np.zeros_like(errors), 0.9).half_width == [9.0]
    assert Conformal.fit(errors, np.zeros_like(errors), 0.95).half_width == [np.inf]


def test_widths_follow_the_estimate_in_every_answer(run: Path, tmp_path: Path, capsys) -> None:
    instrument = Instrument(run / "spectra-s0", "ridge")
    test = run.parents[1] / "train" / "heat" / "data" / "test"
    interval, scaler = instrument.readout.trajectories, instrument.readout.scaler
    assert interval.local[0] is not None and len(interval.local[0].error) == interval.n_valid
    table = instrument.predict(str(test))
    scaled = {
        k: scaler.transform(torch.tensor(table[[k]].to_numpy()), ["diffusivity"]) for k in ("estimate", "low", "high")
    }
    half = interval.widths(scaled["estimate"])
    assert torch.allclose(scaled["high"] - scaled["estimate"], half, rtol=1e-4)
    assert torch.allclose(scaled["estimate"] - scaled["low"], half, rtol=1e-4)
    assert float(half.max()) > 1.05 * float(half.min())
    assert main(["predict", str(run / "spectra-s0"), str(test), "--probe", "ridge", "--out", str(tmp_path)]) in (0, 3)
    said = capsys.readouterr().out
    assert "of low | middle | high values" in said and "one width" not in said
    assert read_json(tmp_path / "predictions.json")["coverage_by_third"]["diffusivity"] == interval.thirds[0]
    assert "of low | middle | high values" in (tmp_path / "predictions.html").read_text()


def test_a_readout_of_before_has_one_width_and_says_so(run: Path, tmp_path: Path, capsys) -> None:
    old = tmp_path / "old"
    shutil.copytree(run / "spectra-s0", old)
    content = read_record(old / "readout_ridge.json")
    for level in ("windows", "trajectories"):
        del content[level]["local"], content[level]["thirds"]
    write_record(old / "readout_ridge.json", content)
    interval = read_readout(old, "ridge").trajectories
    assert (interval.widths_of(np.array([[-1.0], [1.0]])) == interval.half_width[0]).all()
    test = run.parents[1] / "train" / "heat" / "data" / "test"
    assert main(["predict", str(old), str(test), "--probe", "ridge"]) in (0, 3)
    assert (
        "intervals of diffusivity have one width for all values (stored by a former version" in capsys.readouterr().out
    )


def test_novelty_raises_the_stated_share_of_false_alarms() -> None:
    generator = torch.Generator().manual_seed(0)
    mix = torch.randn(8, 8, generator=generator)
    draw = lambda n: torch.randn(n, 1, 8, generator=generator) @ mix  # noqa: E731
    novelty = Novelty().fit(draw(400))
    novelty.calibrate(novelty.score(draw(400))).tested(novelty.score(draw(4000)))
    assert 0.03 <= novelty.false_alarms[0] <= 0.08 and novelty.false_alarms[1] <= 0.01
    assert (novelty.verdict(novelty.score(draw(100) + 6)) == 2).mean() > 0.9


def test_few_valid_trajectories_call_few_others_strange() -> None:
    """Four scores have no 95 % quantile: of 40 trajectories in all every second new one was outside."""
    random, strange = np.random.default_rng(0), []
    mixing = random.normal(size=(6, 6))
    for _ in range(20):
        parts: dict[str, Any] = {}
        for name, n in (("train", 32), ("valid", 4), ("test", 200)):
            tokens = torch.from_numpy(random.normal(size=(n, 1, 6)) @ mixing).float()
            parts[name] = SimpleNamespace(tokens=tokens, trajectory=np.arange(n))
        found, verdicts = background._novelty(parts)
        strange.append(np.mean([verdict == 2 for verdict in verdicts.values()]))
        assert found.false_alarms[1] == pytest.approx(strange[-1])
        valid = Novelty().fit(parts["train"].tokens)
        valid.calibrate(valid.score(parts["valid"].tokens))
        assert all(ours >= own for ours, own in zip(found.limits, valid.limits, strict=True)), "never stricter"
    assert np.mean(strange) < 0.05


def _files(root: Path) -> list[Path]:
    return [file for split in ("train", "valid", "test") for file in sorted((root / "data" / split).glob("*.hdf5"))]


def _scalar(file: Path, name: str) -> np.ndarray:
    with h5py.File(file) as data:
        return np.asarray(data[f"scalars/{name}"])

"""`predict --posterior` draws from a posterior that the run keeps, and says first what is outside."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import physrep
from physrep.benchmark import bench, read_config
from physrep.cli.main import main
from physrep.errors import PhysrepError
from physrep.simulation import SimulationConfig, simulate
from physrep.tokens import TokenStore

pytest.importorskip("sbi")


def heat(out: Path, trajectories: int, seed: int, **other: object) -> Path:
    shape = {"resolution": [16, 16], "frames": 8, "save_dt": 0.05, "ranges": {"diffusivity": [1e-3, 5e-3]}}
    settings = {**shape, "trajectories": trajectories, "seed": seed, **other}
    return simulate("heat", out, SimulationConfig(**settings), workers=1)  # pyright: ignore[reportArgumentType]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("posterior")
    data = heat(root / "train", 160, 0, splits=[0.7, 0.15, 0.15])
    config = {
        "data": {"path": str(data)},
        "num_frames": 4,
        "eval_stride": 4,
        "runs": [{"learner": "statistics"}],
        "n_resamples": 20,
    }
    bench(read_config(config, "test"), root / "bench")
    return root / "bench" / "runs" / "statistics-s0"


def test_draws_cover_the_truth_and_the_run_keeps_them(run: Path, tmp_path: Path) -> None:
    new = heat(tmp_path, 40, 5)
    instrument = physrep.load_readout(run)
    table = instrument.posterior(new, draws=200)
    assert list(table.columns) == ["source", "trajectory", "inside", "draw", "diffusivity"] and len(table) == 40 * 200
    ends = table.groupby(["source", "trajectory"])["diffusivity"].quantile([0.05, 0.95]).unstack()
    truth = np.array([
        recording.parameters["diffusivity"]
        for recording in sorted(instrument.recordings(new), key=lambda r: (r.source, r.trajectory))
    ])  # fmt: skip
    inside = (ends[0.05].to_numpy() <= truth) & (truth <= ends[0.95].to_numpy())
    assert 0.75 <= inside.mean() <= 1.0
    spread = np.log(ends[0.95] / ends[0.05]).mean()
    assert spread < 0.8 * np.log(5) * 0.9, "and it is narrower than the prior"
    kept = (run / "posterior_tokens.safetensors").stat().st_mtime_ns
    again = physrep.load_readout(run).posterior(new, draws=200)
    assert again.equals(table) and (run / "posterior_tokens.safetensors").stat().st_mtime_ns == kept


def test_the_command_gives_intervals_of_the_posterior(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, out = heat(tmp_path / "new", 10, 6), tmp_path / "out"
    assert main(["predict", str(run), str(new), "--out", str(out), "--posterior", "both", "--draws", "100"]) in (0, 3)
    said = capsys.readouterr().out
    assert "posterior of both: median and 90% interval of 100 draws" in said
    rows = [row for row in csv.DictReader((out / "predictions.csv").open()) if row["level"] == "trajectory"]
    assert all(float(r["posterior_low"]) < float(r["posterior_median"]) < float(r["posterior_high"]) for r in rows)
    found = json.loads((out / "predictions.json").read_text())["recordings"][0]["posterior"]
    assert found["features"] == "both" and found["diffusivity"]["low"] < found["diffusivity"]["high"]
    page = (out / "predictions.html").read_text()
    assert "posterior median" in page and (out / "figures" / "recording0_posterior.png").is_file()
    assert not (run / "posterior_spectra").exists()
    strange = heat(tmp_path / "strange", 5, 7, save_dt=0.1)
    assert main(["predict", str(run), str(strange), "--posterior", "both", "--draws", "50"]) == 3
    assert (
        capsys.readouterr().out.splitlines()[0]
        == "5 of 5 recordings are OUTSIDE of what was learned; do not trust them."
    )


def test_what_cannot_be_asked_is_refused_before_anything_is_fitted(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "run"
    shutil.copytree(run, alone, ignore=shutil.ignore_patterns("posterior_*"))
    assert main(["predict", str(alone), str(tmp_path / "nothing.hdf5"), "--posterior"]) == 2
    (tmp_path / "broken.hdf5").write_bytes(b"no HDF5")
    assert main(["predict", str(alone), str(tmp_path / "broken.hdf5"), "--posterior"]) == 2
    assert "broken.hdf5" in capsys.readouterr().err and not list(alone.glob("posterior_*"))
    new = heat(tmp_path / "new", 5, 9)
    monkeypatch.setattr("physrep.posterior.flows.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("physrep.readout.posteriors._spectra", lambda *_: pytest.fail("embedded for nothing"))
    with pytest.raises(PhysrepError, match=r"install the extra: pip install 'physrep\[posterior\]'"):
        physrep.load_readout(alone).posterior(new, "spectra")


def test_what_is_kept_holds_no_label_of_a_training_trajectory(run: Path) -> None:
    physrep.load_readout(run).posterior(run.parents[2] / "train" / "heat" / "data" / "test", draws=20)
    scaler = physrep.load_readout(run).readout.scaler
    store = TokenStore.open(run / "tokens" / "train")
    labels = np.unique(scaler.transform(store.labels, store.parameter_names).float().numpy())
    for name, values in load_file(run / "posterior_tokens.safetensors").items():
        assert np.isin(labels, values.astype(np.float32)).sum() <= 2, f"{name} holds labels, not just their range"


def test_without_tokens_the_stored_posterior_answers_or_the_command_is_named(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "alone")
    shutil.rmtree(tmp_path / "alone" / "tokens")
    new = heat(tmp_path / "new", 5, 8)
    assert len(physrep.load_readout(tmp_path / "alone").posterior(new, draws=20)) == 100
    with pytest.raises(PhysrepError, match="nor tokens to fit one on; `physrep probe"):
        physrep.load_readout(tmp_path / "alone").posterior(new, "spectra")
    with pytest.raises(PhysrepError, match="give tokens, spectra, both"):
        physrep.load_readout(run).posterior(new, "probes")

"""Data without labels: no parameters, no scalars, no splits, labels that are unknown."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import physrep
from physrep.cli.main import main
from physrep.data import check, exit_code, open_clips, open_well
from physrep.errors import PhysrepError
from tests.helpers.foreign_edit import foreign_edit

SMALL = ["--encoder", "conv3d", "--num_frames", "4", "--training.steps", "2", "--training.batch_size", "2"]


def fields(n: int = 8) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n, 16, 16, 16)).astype(np.float32)


def write(path: Path, n: int = 8, **parameters: np.ndarray) -> Path:
    physrep.write_well(path, physrep.from_numpy({"u": fields(n)}, parameters=parameters, name="flow"))
    return path


def test_trajectories_need_no_parameters(tmp_path: Path) -> None:
    made = physrep.from_numpy({"u": fields()}, name="flow")
    assert len(made) == 8 and not made.parameters
    path = write(tmp_path / "one.hdf5")
    assert exit_code(check(path)) == 0
    with open_well(path) as file:
        assert file.n_trajectories == 8 and file.parameters == {}


def test_a_file_without_scalars_is_read_and_only_warned_of(tmp_path: Path) -> None:
    path = write(tmp_path / "one.hdf5")
    with foreign_edit(path) as file:
        del file["scalars"]
    found = check(path)
    assert [(fault.item, fault.severity) for fault in found] == [("scalars", "warning")]
    with open_well(path) as file:
        assert np.array_equal(file.read(3, 0, 16)[0], fields()[3])


def test_unknown_labels_are_stored_read_and_refused_where_they_are_learned_from(tmp_path: Path) -> None:
    drag = np.array([1.0, np.nan, 3, 4, 5, 6, 7, np.nan])
    path = write(tmp_path / "one.hdf5", drag=drag, mass=np.arange(8.0))
    (fault,) = check(path)
    assert fault.severity == "warning" and "unknown, 2 times" in fault.problem
    train = open_clips(path, "train")
    assert torch.equal(train.parameters[:, 0].isnan(), torch.tensor(drag).isnan())
    from physrep.tokens import LabelScaler

    scaler = LabelScaler.fit(train.parameters, train.parameter_names, {"drag": "linear", "mass": "linear"})
    assert scaler.mean == (np.nanmean(drag), 3.5), "the statistics are of what is known"
    with pytest.raises(
        PhysrepError, match=r"'drag' is unknown \(NaN\) or infinite for 2 of 8 samples; name the others"
    ):
        scaler.transform(train.parameters, train.parameter_names)
    with pytest.raises(PhysrepError, match=r"'drag' is unknown \(NaN\) for all 8 training samples"):
        LabelScaler.fit(train.parameters * torch.nan, train.parameter_names, {"drag": "linear", "mass": "linear"})
    with pytest.raises(PhysrepError, match="infinite parameter drag"):
        write(tmp_path / "two.hdf5", drag=np.full(8, np.inf))


@pytest.mark.parametrize("kind", ["file", "folder", "train only", "unknown"])
def test_pretraining_and_embedding_without_labels(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unknown = {"drag": np.full(8, np.nan)} if kind == "unknown" else {}
    place = {"file": "one.hdf5", "folder": "some/one.hdf5"}.get(kind, "flow/data/train/one.hdf5")
    path = write(tmp_path / place, **unknown)
    if kind == "unknown":
        for split in ("valid", "test"):
            write(tmp_path / "flow" / "data" / split / "one.hdf5", **unknown)
    data = {"file": path, "folder": path.parent}.get(kind, tmp_path / "flow")
    run = tmp_path / "run"
    assert main(["pretrain", "jepa", "--data", str(data), "--out", str(run), *SMALL]) == 0, capsys.readouterr().err
    assert "so the log's probe leaves it out" in capsys.readouterr().err
    header = (run / "metrics.csv").read_text().splitlines()[0]
    assert "effective_rank" in header and "probe_mse" not in header
    assert json.loads((run / "summary.json").read_text())["steps"] == 2
    assert main(["embed", str(run)]) == 0
    assert "train: " in capsys.readouterr().out
    assert main(["probe", str(run)]) == 2
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert "valid" in sentence if kind != "unknown" else "drag is known for 0 of 8" in sentence


def test_a_supervised_learner_says_that_there_are_no_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "one.hdf5")
    code = main(["pretrain", "supervised", "--data", str(path), "--out", str(tmp_path / "run"), *SMALL])
    assert code == 2 and "label" in capsys.readouterr().err


def test_best_on_valid_needs_a_valid_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "one.hdf5")
    arguments = ["pretrain", "jepa", "--data", str(path), "--out", str(tmp_path / "run"), *SMALL]
    assert main([*arguments, "--training.select", "best"]) == 2
    assert "has no split valid, on which training.select=best chooses" in capsys.readouterr().err

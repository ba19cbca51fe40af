"""A parameter with one value in the training split is none; labels that no probe can read stop a benchmark early."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.benchmark import bench
from physrep.benchmark.config import read_config
from physrep.data import write_well
from physrep.data.config import _SAID, DataConfig
from physrep.errors import PhysrepError
from physrep.systems.description import Trajectories


def _written(trajectories: Callable[..., Trajectories], root: Path, **labels: list[float]) -> DataConfig:
    for seed, split in enumerate(("train", "valid", "test")):
        made = trajectories(n=4, seed=seed)
        for name, values in labels.items():
            made.parameters[name] = torch.tensor(np.resize(values, len(made)), dtype=torch.float64)
        write_well(root / "data" / split / "a.hdf5", made)
    return DataConfig(path=str(root))


def test_a_constant_is_left_out_and_said_once(trajectories, tmp_path, capsys):
    data = _written(trajectories, tmp_path, gravity=[9.81])
    _SAID.clear()
    splits = data.open_splits()
    assert all("gravity" not in split.parameter_names and split.parameter_names for split in splits.values())
    assert data.open("train").parameter_names == splits["train"].parameter_names
    assert capsys.readouterr().err.count("gravity is 9.81 in all training trajectories") == 1
    named = DataConfig(path=str(tmp_path), parameters=["gravity"])
    assert named.open("train").parameter_names == ("gravity",)


def test_unknown_labels_are_refused_before_anything_is_trained(trajectories, tmp_path):
    data = _written(trajectories, tmp_path / "data", drag=[float("nan"), float("nan")])
    config = read_config(
        {"data": {"path": data.path}, "num_frames": 2, "runs": [{"learner": "statistics"}], "probes": {"ridge": {}}},
        "a test",
    )
    with pytest.raises(PhysrepError, match=r"train: drag is known for 0 of 4"):
        bench(config, tmp_path / "out")
    assert not (tmp_path / "out" / "runs").exists()

"""Replicates: equal parameters and other starts, in train alone, paired by the learner that asks for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from physrep.data import Symmetries, write_well
from physrep.data.config import DataConfig
from physrep.data.replicates import assert_replicates_apart, equal_rows, replicate_partners
from physrep.errors import PhysrepError
from physrep.simulation import SimulationConfig, simulate
from physrep.systems import SYSTEMS
from physrep.training.config import TrainingConfig
from physrep.training.pretrain import pretrain
from physrep.training.stream import WindowStream
from tests.helpers.small_data import TINY_ENCODER

COMMON = {"trajectories": 20, "resolution": [16, 16], "frames": 8, "splits": [0.6, 0.2, 0.2], "per_file": 5}
CLIPS = {**TINY_ENCODER, "level": "clip", "target": "replicate"}
TRAINING = TrainingConfig(steps=2, batch_size=4, probe_every=0, threads=1)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("replicates")
    return simulate("heat", folder, SimulationConfig(**COMMON, replicates=2), workers=1)


def test_groups_have_equal_parameters_and_other_starts(root: Path) -> None:
    train = DataConfig(path=str(root)).open("train")
    found = replicate_partners(train.groups)
    assert sorted(found) == list(range(12))
    assert all(len(mates) == 1 for mates in found.values())
    for own, (mate,) in found.items():
        assert torch.equal(train.parameters[own], train.parameters[int(mate)])
        first, other = (train.frames_of(i, slice(0, 1)) for i in (own, int(mate)))
        assert not torch.allclose(first, other, atol=1e-2)
    assert len(np.unique(train.parameters.numpy(), axis=0)) == 6


def test_other_splits_are_those_without_replicates(root: Path, tmp_path: Path) -> None:
    plain = simulate("heat", tmp_path, SimulationConfig(**COMMON), workers=1)
    for split in ("valid", "test"):
        a, b = (
            DataConfig(path=str(folder)).open(split, DataConfig(path=str(plain)).open("train").stats)
            for folder in (plain, root)
        )
        assert torch.equal(a.frames_of(0), b.frames_of(0)) and torch.equal(a.parameters, b.parameters)
        assert not replicate_partners(b.groups)


def test_a_pair_is_of_two_trajectories_of_one_group(root: Path) -> None:
    train = DataConfig(path=str(root)).open("train")
    stream = WindowStream(train, 4, 1, 8, seed=1, target="replicate")
    batch = stream.batch(3)
    assert torch.equal(batch.fields, stream.batch(3).fields)
    for fields, trajectory in zip(batch.fields, batch.trajectory.tolist(), strict=True):
        (mate,) = replicate_partners(train.groups)[trajectory]
        frames = train.frames_of(int(mate)).float()
        assert any(torch.equal(frames[:, t : t + 2], fields[:, 2:]) for t in range(7))


def test_trajectories_without_a_replicate_are_left_out_and_counted(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = DataConfig(path=str(root)).open("train")
    (mate,) = replicate_partners(train.groups)[0]
    part = train.of_trajectories(np.array([i for i in range(12) if i != mate]))
    stream = WindowStream(part, 4, 1, 8, seed=1, symmetries=Symmetries(shift=True), target="replicate")
    assert "1 of 11 trajectories have no replicate" in capsys.readouterr().err
    assert 0 not in stream.windows[:, 0]
    with pytest.raises(PhysrepError, match="no two trajectories have equal parameters"):
        WindowStream(train.of_trajectories(np.array([0])), 4, 1, 8, seed=1, target="replicate")


def test_jepa_trains_on_them_without_seeing_which(root: Path, tmp_path: Path) -> None:
    run = pretrain("jepa", DataConfig(path=str(root)), tmp_path / "run", options=CLIPS, num_frames=2, training=TRAINING)
    assert (run / "weights.safetensors").exists()
    with pytest.raises(PhysrepError, match="needs level: clip"):
        options = {**TINY_ENCODER, "target": "replicate"}
        pretrain(
            "jepa", DataConfig(path=str(root)), tmp_path / "other", options=options, num_frames=2, training=TRAINING
        )


def test_a_group_in_two_splits_is_refused(root: Path, tmp_path: Path) -> None:
    system = SYSTEMS["heat"]
    values = {p.name: torch.full((2,), p.low) for p in system.parameters}
    for split, seeds in (("train", [1, 2]), ("valid", [3, 4]), ("test", [5, 6])):
        part = system.simulate(values, seeds, resolution=[16, 16], frames=8)
        write_well(tmp_path / "data" / split / "heat_0.hdf5", part)
    assert_replicates_apart(root)
    with pytest.raises(PhysrepError, match=r"trajectory 0 of valid/heat_0\.hdf5 has the parameters of trajectory 0"):
        pretrain(
            "jepa", DataConfig(path=str(tmp_path)), tmp_path / "run", options=CLIPS, num_frames=2, training=TRAINING
        )  # fmt: skip


def test_unknown_values_are_equal_to_none() -> None:
    values = np.array([1.0, 1.0, np.nan, np.nan, 2.0])
    groups = equal_rows([values, np.zeros(5)], 5)
    assert {key: mates.tolist() for key, mates in replicate_partners(groups).items()} == {0: [1], 1: [0]}
    assert not replicate_partners(equal_rows([], 5))


def test_a_replicate_that_blows_up_keeps_its_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from physrep.simulation import file as module

    plain = module._batch
    failed: list[int] = []

    def once(indices, attempt, request, device, given=None):
        result = plain(indices, attempt, request, device, given)
        if not failed and len(indices) > 1:
            failed.append(indices[1])
            result.failed[1] = "planted"
        return result

    monkeypatch.setattr(module, "_batch", once)
    from physrep.simulation.dataset import file_tasks
    from physrep.simulation.request import resolve_request

    request = resolve_request("heat", SimulationConfig(**COMMON, replicates=2))
    task = next(t for t in file_tasks(tmp_path, request) if t.path.parent.name == "train")
    messages = module.simulate_file(task, request, "cpu")
    assert failed
    assert len(messages) == 1
    from physrep.data import WellFile

    with WellFile(task.path) as file:
        values = next(iter(file.parameters.values()))
    assert values[0] == values[1]

"""Training on fresh trajectories: seeded per number, resumable, bounded on disk, and never the same twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from physrep.clip import Clip
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_json
from physrep.learners import JEPA
from physrep.simulation import SimulationConfig, simulate
from physrep.training.config import TrainingConfig
from physrep.training.loop import build_stream
from physrep.training.online_stream import OnlineStream
from physrep.training.pretrain import pretrain
from tests.helpers.small_data import TINY_ENCODER, write_waves

TRAINING = TrainingConfig(
    steps=6,
    batch_size=4,
    online=8,
    online_clips=1,
    checkpoint_every=3,
    probe_every=0,
    log_every=1,
    threads=1,
    shift=True,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    config = SimulationConfig(trajectories=10, resolution=[16, 16], frames=6, splits=[0.6, 0.2, 0.2])
    root = simulate("heat", tmp_path_factory.mktemp("data"), config, workers=1)
    return DataConfig(path=str(root))


def jepa(**options) -> JEPA:
    return JEPA(1, 2, **{**TINY_ENCODER, **options})


def walked(data: DataConfig, out: Path, first: int, count: int, workers: int = 1, target: str = "next") -> list[Clip]:
    learner = jepa() if target == "next" else jepa(level="clip", target=target)
    training = TrainingConfig(**{**vars(TRAINING), "online_workers": workers})
    stream = build_stream(learner, data.open("train"), data, training, 3, out)
    stream.first, stream.count = first, count
    clips = []
    for clip in stream:
        clips.append(clip)
        (folder,) = out.glob(".online*")
        assert len(list(folder.iterdir())) <= 2
    return clips


def test_a_batch_follows_from_its_number_alone(data: DataConfig, tmp_path: Path) -> None:
    whole = walked(data, tmp_path, 0, 5)
    later = walked(data, tmp_path, 3, 2, workers=2)
    for own, other in zip(whole[3:], later, strict=True):
        assert torch.equal(own.fields, other.fields)
    assert not list(tmp_path.iterdir())


def test_no_trajectory_comes_twice_and_none_is_of_the_data_set(data: DataConfig, tmp_path: Path) -> None:
    stored = {tuple(row) for split in data.open_splits().values() for row in split.parameters.tolist()}
    seen = [tuple(row) for clip in walked(data, tmp_path, 0, 4) for row in clip.parameters.tolist()]
    assert len(seen) == len(set(seen)) == 16
    assert not stored & set(seen)


def test_fresh_trajectories_can_be_replicates(data: DataConfig, tmp_path: Path) -> None:
    clips = walked(data, tmp_path, 0, 2, target="replicate")
    values = [float(v) for clip in clips for v in clip.parameters[:, 0]]
    assert sorted(values.count(v) for v in set(values)) == [2, 2, 2, 2]


def test_killed_and_resumed_training_ends_in_the_same_weights(
    data: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train(out: Path) -> Path:
        return pretrain("jepa", data, out, options=TINY_ENCODER, num_frames=2, training=TRAINING, device="cpu")

    whole = load_file(train(tmp_path / "whole") / "weights.safetensors")
    plain = OnlineStream.batch

    def dies(self: OnlineStream, number: int) -> Clip:
        if number == 5:
            raise KeyboardInterrupt
        return plain(self, number)

    monkeypatch.setattr(OnlineStream, "batch", dies)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut")
    assert not list((tmp_path / "cut").glob(".online*"))
    monkeypatch.setattr(OnlineStream, "batch", plain)
    again = load_file(train(tmp_path / "cut") / "weights.safetensors")
    assert all(torch.equal(whole[name], again[name]) for name in whole)
    assert read_json(tmp_path / "cut" / "summary.json")["trajectories_simulated"] == 24


def test_what_cannot_be_simulated_afresh_is_refused(data: DataConfig, tmp_path: Path) -> None:
    other = DataConfig(path=str(write_waves(tmp_path / "waves")))
    with pytest.raises(PhysrepError, match=r"holds no simulation\.json"):
        pretrain("jepa", other, tmp_path / "a", options=TINY_ENCODER, num_frames=4, training=TRAINING)
    uneven = TrainingConfig(**{**vars(TRAINING), "online": 6})
    with pytest.raises(PhysrepError, match="fill no whole batches of 4"):
        pretrain("jepa", data, tmp_path / "b", options=TINY_ENCODER, num_frames=2, training=uneven)
    with pytest.raises(PhysrepError, match="set devices to 1"):
        pretrain("jepa", data, tmp_path / "c", options=TINY_ENCODER, num_frames=2, training=TRAINING, devices=2)
    with pytest.raises(PhysrepError, match="says nothing of trajectories that are simulated"):
        build_stream(jepa(), data.open("train"), replace(data, labels="labels.csv"), TRAINING, 0)

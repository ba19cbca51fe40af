"""Training at several time steps and on several grids: what a clip says of itself, and who is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.learners import JEPA
from physrep.nn.conditioned import ConditionedEncoder
from physrep.run_directory import load_run
from physrep.training.config import TrainingConfig
from physrep.training.loop import build_stream
from physrep.training.pretrain import pretrain
from tests.helpers.small_data import TINY_ENCODER, write_waves

PLAIN: dict[str, Any] = {**TINY_ENCODER}
TOLD: dict[str, Any] = {
    **TINY_ENCODER,
    "encoder_options": {**dict(TINY_ENCODER["encoder_options"]), "reads_units": True},
}
CLIPS: dict[str, Any] = {"level": "clip", "target": "random"}
VARIED = TrainingConfig(steps=4, batch_size=4, frame_steps=[1, 2], coarsen=[1, 2], probe_every=0, threads=1)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    return DataConfig(path=str(write_waves(tmp_path_factory.mktemp("data"))))


def test_clips_say_their_time_step_and_spacing(data: DataConfig) -> None:
    train = data.open("train")
    learner = JEPA(len(train.channels), 2, **PLAIN)
    stream = build_stream(learner, train, data, VARIED, 0)
    clips = [stream.batch(i) for i in range(4)]
    assert {(round(c.dt / train.dt), c.dx[0] / train.dx[0]) for c in clips} == {(1, 1.0), (1, 2.0), (2, 1.0), (2, 2.0)}
    for number, clip in enumerate(clips):
        assert clip.second_dt is None
        assert clip.fields.shape[3] * clip.dx[0] == pytest.approx(train.shape[0] * train.dx[0])
        assert torch.equal(clip.fields, stream.batch(number).fields)
    # Of a coarse clip every point is the mean over a block of a stored frame.
    clip = next(c for c in clips if c.dx[0] > train.dx[0])
    frame = train.clip(np.array([[int(clip.trajectory[0]), int(clip.start[0])]]), 1).fields[0, :, 0]
    assert torch.allclose(clip.fields[0, :, 0], frame.unfold(1, 2, 2).unfold(2, 2, 2).mean((3, 4)), atol=1e-6)


def test_windows_of_a_pair_differ_in_their_time_step(data: DataConfig) -> None:
    train = data.open("train")
    learner = JEPA(len(train.channels), 2, **PLAIN, **CLIPS)
    stream = build_stream(learner, train, data, VARIED, 0)
    pairs = {(round(c.dt / train.dt), round((c.second_dt or c.dt) / train.dt)) for c in map(stream.batch, range(8))}
    assert pairs == {(1, 1), (1, 2), (2, 1), (2, 2)}


@pytest.mark.parametrize("momentum", [None, 0.9])
def test_each_window_is_encoded_at_its_own_step(
    data: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, momentum: float | None
) -> None:
    seen: list[list[float]] = []
    plain = ConditionedEncoder.forward

    def spied(self: ConditionedEncoder, x: torch.Tensor) -> torch.Tensor:
        told = self.units.value
        if self.training and told is not None:
            seen.append((told[:, 0].exp() * self.reference[0]).tolist())
        return plain(self, x)

    monkeypatch.setattr(ConditionedEncoder, "forward", spied)
    options = {**TOLD, **CLIPS, "momentum": momentum}
    run = pretrain("jepa", data, tmp_path / "run", options=options, num_frames=2, training=VARIED, device="cpu")
    dt = data.open("train").dt
    mixed = {tuple(round(v / dt) for v in row) for row in seen if len(row) > 1}
    if momentum is None:
        assert (1, 1, 1, 1, 2, 2, 2, 2) in mixed
    else:
        assert {(1, 1, 1, 1), (2, 2, 2, 2)} <= mixed
    learner, _ = load_run(run)
    assert learner.told_units
    encoder = learner.encoder
    assert isinstance(encoder, ConditionedEncoder)
    assert float(encoder.reference[0]) == pytest.approx(dt)


def test_fresh_trajectories_are_taken_as_they_are(data: DataConfig, tmp_path: Path) -> None:
    both = TrainingConfig(**{**vars(VARIED), "online": 4})
    with pytest.raises(PhysrepError, match="leave frame_steps and coarsen out"):
        pretrain("jepa", data, tmp_path / "run", options=TINY_ENCODER, num_frames=2, training=both)

"""Training: seeded, resumable to the same weights, logged, and exact in accumulation and schedule."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from physrep.data import ClipDataset, Symmetries
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_json, read_yaml, write_yaml
from physrep.run_directory import load_run
from physrep.training.config import TrainingConfig
from physrep.training.log import read_metrics
from physrep.training.pretrain import pretrain
from physrep.training.stream import WindowStream
from tests.helpers.small_data import TINY_ENCODER, write_waves

TRAINING = TrainingConfig(
    steps=12, batch_size=4, checkpoint_every=5, log_every=2, probe_every=6, shift=True, flip=["x"], threads=1
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    return DataConfig(path=str(write_waves(tmp_path_factory.mktemp("data"))))


def train(out: Path, data: DataConfig, learner: str = "jepa", **settings) -> Path:
    training = TrainingConfig(**{**vars(TRAINING), **settings})
    return pretrain(learner, data, out, options=TINY_ENCODER, num_frames=4, training=training, device="cpu")


@pytest.fixture(scope="module")
def finished(data: DataConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("runs") / "run", data)


def weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "weights.safetensors")


def test_run_directory_is_complete(finished: Path) -> None:
    assert read_yaml(finished / "config.yaml")["training"]["steps"] == 12
    assert read_json(finished / "summary.json")["clips_seen"] == 48
    assert {"torch", "processor", "date"} <= read_json(finished / "environment.json").keys()
    rows = read_metrics(finished)
    assert [int(row["step"]) for row in rows] == [2, 4, 6, 8, 10, 12]
    assert float(rows[2]["effective_rank"]) >= 1
    assert float(rows[2]["probe_mse_rate"]) > 0
    assert rows[0]["probe_mse"] == ""
    assert float(rows[0]["feature_std"]) > 0


def test_state_holds_tensors_and_plain_types_only(finished: Path) -> None:
    torch.load(finished / "state.pt", weights_only=True)


def test_the_encoder_comes_back_frozen_and_equal(finished: Path, data: DataConfig) -> None:
    learner, config = load_run(finished)
    assert config["learner"] == "jepa"
    assert not any(p.requires_grad for p in learner.parameters())
    for name, value in weights(finished).items():
        assert torch.equal(learner.state_dict()[name], value), name
    clip = data.open("train").clip(data.open("train").windows(4)[:3], 4)
    assert torch.equal(learner.encode(clip), learner.encode(clip))


class _Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.mark.parametrize("at", [3, 7, 11])
def test_resume_after_a_kill_gives_the_same_weights(
    at: int, finished: Path, data: DataConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from physrep.training import loop as training_loop

    original = training_loop.Loop.step

    def dies(self, number, batches):
        if number == at:
            raise _Killed
        return original(self, number, batches)

    monkeypatch.setattr(training_loop.Loop, "step", dies)
    with pytest.raises(_Killed):
        train(tmp_path / "run", data)
    assert not (tmp_path / "run" / "summary.json").exists()
    monkeypatch.setattr(training_loop.Loop, "step", original)
    train(tmp_path / "run", data)
    for name, value in weights(finished).items():
        assert torch.equal(weights(tmp_path / "run")[name], value), name
    drop = {"seconds"}
    ours, theirs = read_metrics(tmp_path / "run"), read_metrics(finished)
    assert [{k: v for k, v in row.items() if k not in drop} for row in ours] == [
        {k: v for k, v in row.items() if k not in drop} for row in theirs
    ]


def test_a_finished_run_is_left_alone(finished: Path, data: DataConfig) -> None:
    before = (finished / "weights.safetensors").stat().st_mtime_ns
    train(finished, data)
    assert (finished / "weights.safetensors").stat().st_mtime_ns == before


def test_refuses_other_settings_in_the_same_folder(finished: Path, data: DataConfig) -> None:
    with pytest.raises(PhysrepError, match="holds a run with another training; choose another --out"):
        train(finished, data, steps=13)


def test_a_run_from_before_a_setting_existed_is_taken_for_what_it_is(
    finished: Path, data: DataConfig, tmp_path: Path
) -> None:
    old = tmp_path / "old"
    shutil.copytree(finished, old)
    config = read_yaml(old / "config.yaml")
    del config["training"]["transpose"]
    write_yaml(old / "config.yaml", config)
    before = (old / "weights.safetensors").stat().st_mtime_ns
    train(old, data)
    assert (old / "weights.safetensors").stat().st_mtime_ns == before


def test_another_seed_gives_other_weights(finished: Path, data: DataConfig, tmp_path: Path) -> None:
    other = pretrain(
        "jepa", data, tmp_path / "run", options=TINY_ENCODER, num_frames=4, training=TRAINING, seed=1, device="cpu"
    )
    assert any(not torch.equal(value, weights(other)[name]) for name, value in weights(finished).items())


def test_accumulation_is_exact(data: DataConfig, tmp_path: Path) -> None:
    """The loss of supervised training is a mean over clips: 2 x 4 clips must give the step of 8 clips."""
    settings = {"steps": 3, "probe_every": 0, "shift": False, "flip": [], "gradient_clip_val": 0.0}
    whole = train(tmp_path / "whole", data, "supervised", batch_size=8, **settings)
    parts = train(tmp_path / "parts", data, "supervised", batch_size=4, accumulate_grad_batches=2, **settings)
    for name, value in weights(whole).items():
        assert torch.allclose(weights(parts)[name].double(), value.double(), atol=2e-6), name


def test_best_weights_are_kept_on_request(data: DataConfig, tmp_path: Path) -> None:
    run = train(tmp_path / "run", data, "supervised", select="best", learning_rate=3e-2, steps=20, checkpoint_every=2)
    losses = {int(row["step"]): float(row["valid_loss"]) for row in read_metrics(run) if row["valid_loss"]}
    from physrep.training.online_probe import validation_loss

    train_split = data.open("train")
    learner, _ = load_run(run)
    assert validation_loss(learner, data.open("valid", train_split.stats), 1) == pytest.approx(min(losses.values()))
    assert len(losses) == 10


def test_schedule_starts_with_warmup_and_ends_at_the_final_rate() -> None:
    from physrep.training.schedule import learning_rate_factor

    config = TrainingConfig(steps=100, warmup=0.1, learning_rate=1.0, final_learning_rate=0.01)
    factors = [learning_rate_factor(step, config) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert max(factors) == factors[9] == pytest.approx(1.0)
    assert all(a >= b for a, b in pairwise(factors[10:]))
    assert factors[100] == pytest.approx(0.01)


def test_weight_decay_spares_norms_biases_and_scales() -> None:
    from physrep.training.schedule import decay_groups

    module = nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Conv3d(4, 2, 3))
    module.register_parameter("query_tokens", nn.Parameter(torch.zeros(1, 2, 4)))
    module.register_parameter("gamma", nn.Parameter(torch.zeros(4)))
    decayed, spared = decay_groups(module, 0.05)
    assert sorted(p.ndim for p in decayed["params"]) == [2, 5]
    assert (len(spared["params"]), spared["weight_decay"]) == (6, 0.0)


def test_every_window_is_seen_once_per_pass(data: DataConfig) -> None:
    train_split = data.open("train")
    stream = WindowStream(train_split, 8, 1, 4, seed=3)
    n = len(stream.windows)
    seen = [stream._row(position) for position in range(2 * n)]
    assert sorted(seen[:n]) == sorted(seen[n:]) == list(range(n))
    assert seen[:n] != seen[n:]


def test_windows_from_anywhere_are_two_views_of_one_trajectory(data: DataConfig) -> None:
    train_split = data.open("train")
    symmetries = Symmetries(shift=True)
    stream = WindowStream(train_split, 8, 1, 16, seed=3, symmetries=symmetries, target="random")
    clip, again = stream.batch(2), stream.batch(2)
    assert torch.equal(clip.fields, again.fields)
    assert clip.fields.shape[2] == 8
    plain = WindowStream(train_split, 8, 1, 16, seed=3, target="random").batch(2)

    # The tracer decays along x only: a mean over shifts tells the trajectory and the time, whatever the shift.
    def energy(part: torch.Tensor) -> torch.Tensor:
        return part[:, 0].square().mean((2, 3))

    every = {
        i: energy(train_split.clip(train_split.windows(1)[train_split.windows(1)[:, 0] == i], 1).fields).flatten()
        for i in set(clip.trajectory.tolist())
    }
    starts = set()
    for row, trajectory in enumerate(plain.trajectory.tolist()):
        for view in (plain.fields[row : row + 1, :, :4], plain.fields[row : row + 1, :, 4:]):
            distance = (every[trajectory][None] - energy(view).T).abs().min(1).values
            assert float(distance.max()) < 1e-6
        starts.add(int((every[trajectory] - energy(plain.fields[row : row + 1, :, 4:5])[0]).abs().argmin()))
    assert len(starts) > 4


def test_ranks_share_the_windows(data: DataConfig) -> None:
    train_split = data.open("train")
    streams = [WindowStream(train_split, 8, 1, 2, seed=3) for _ in range(3)]
    for rank, stream in enumerate(streams[:2]):
        stream.rank, stream.world = rank, 2
    streams[2].batch_size = 4
    halves = [stream.batch(5) for stream in streams[:2]]
    whole = streams[2].batch(5)
    assert torch.equal(torch.cat([half.start for half in halves]), whole.start)
    assert torch.equal(torch.cat([half.trajectory for half in halves]), whole.trajectory)


def test_a_loss_that_diverges_ends_with_a_sentence(data: DataConfig, tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match=r"lower training\.learning_rate"):
        train(tmp_path / "run", data, learning_rate=1000.0, gradient_clip_val=0.0, steps=20)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 0}, "training.steps is 0"),
        ({"select": "bets"}, "must be last or best"),
        ({"learning_rate": 0.0}, "must be larger than 0"),
    ],
)
def test_bad_settings(settings: dict, message: str, data: DataConfig, tmp_path: Path) -> None:
    with pytest.raises(PhysrepError, match=message):
        train(tmp_path / "run", data, **settings)


def test_run_directory_without_weights(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").unlink()
    with pytest.raises(PhysrepError, match=r"has no weights\.safetensors"):
        load_run(tmp_path / "run")


def test_run_directory_with_other_weights(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "weights.safetensors").write_bytes(b"not a weight file")
    with pytest.raises(PhysrepError, match="train the run again"):
        load_run(tmp_path / "run")


def test_bf16_trains(data: DataConfig, tmp_path: Path) -> None:
    run = train(tmp_path / "run", data, precision="bf16-mixed", steps=4)
    assert all(torch.isfinite(value).all() for value in weights(run).values() if value.is_floating_point())


def test_the_second_window_starts_anywhere_that_it_fits(data: DataConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    train_split = data.open("train")
    starts: list[int] = []
    read = ClipDataset.clip

    def seen(self: ClipDataset, windows: np.ndarray, *rest: Any) -> Any:
        starts.extend(windows[:, 1].tolist())
        return read(self, windows, *rest)

    monkeypatch.setattr(ClipDataset, "clip", seen)
    stream = WindowStream(train_split, 8, 2, 32, seed=3, target="random")
    for number in range(12):
        stream.batch(number)
        del starts[-64:-32]  # of the first windows
    last = int(train_split.lengths[0]) - 3 * 2 - 1
    assert len(starts) == 12 * 32 and set(starts) == set(range(last + 1))

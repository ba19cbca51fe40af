"""What every learner that trains promises: it overfits a batch, bfloat16 is close, a resumed run ends the same."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from physrep.data.config import DataConfig
from physrep.learners import LEARNERS, Learner
from physrep.training.config import TrainingConfig
from physrep.training.pretrain import pretrain
from tests.helpers.learner_clips import make_clip, smooth_clip
from tests.helpers.small_data import write_waves
from tests.learners.test_learner_contract import OPTIONS, STATISTICS, learner_of

SEEDED = 3
"""Learners that draw masks or slices draw the same ones in every step of these tests."""


@pytest.fixture(params=[name for name, kind in LEARNERS.items() if kind.trainable and not hasattr(kind, "fit")])
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def loss_of(learner: Learner, clip) -> torch.Tensor:
    torch.manual_seed(SEEDED)
    return learner.loss(clip)["loss"]


def test_one_batch_is_overfitted(name):
    learner = learner_of(name)
    learner.set_normalisation(*STATISTICS)
    clip = smooth_clip(batch=4, frames=learner.train_frames)
    optimiser = torch.optim.AdamW([p for p in learner.parameters() if p.requires_grad], lr=3e-3)
    first = loss_of(learner, clip).item()
    for step in range(60):
        optimiser.zero_grad()
        loss = loss_of(learner, clip)
        loss.backward()
        for key, parameter in learner.named_parameters():
            if parameter.requires_grad and (not key.startswith("base.") or key.startswith("base.encoder.")):
                assert parameter.grad is not None and parameter.grad.isfinite().all(), key
        optimiser.step()
        learner.after_step((step + 1) / 60)
    assert loss_of(learner, clip).item() < 0.8 * first


def test_bfloat16_is_close_to_float32(name):
    learner = learner_of(name).train()
    clip = make_clip(batch=4, frames=learner.train_frames)
    exact = loss_of(learner, clip)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss_of(learner, clip)
    value.backward()
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, exact, rtol=0.05, atol=0.02)
    assert all(p.grad is None or p.grad.isfinite().all() for p in learner.parameters())


def test_encoding_is_deterministic_and_draws_nothing(name):
    learner = learner_of(name).eval()
    clip = make_clip(frames=learner.num_frames)
    state = torch.get_rng_state()
    with torch.no_grad():
        assert torch.equal(learner.encode(clip), learner.encode(clip))
    assert torch.equal(torch.get_rng_state(), state)


class _Killed(BaseException):
    """Stands for SIGKILL: nothing catches it."""


@pytest.fixture(scope="module")
def waves(tmp_path_factory: pytest.TempPathFactory) -> DataConfig:
    return DataConfig(path=str(write_waves(tmp_path_factory.mktemp("data"))))


def test_killed_and_resumed_it_ends_in_the_same_weights(name, waves, tmp_path: Path, monkeypatch):
    from physrep.training import loop as training_loop

    options = {key: value for key, value in OPTIONS.get(name, {}).items() if key != "parameters"}
    settings = TrainingConfig(
        steps=4, batch_size=4, accumulate_grad_batches=2, checkpoint_every=2, probe_every=0, threads=1
    )

    def train(folder: str) -> dict[str, torch.Tensor]:
        run = pretrain(name, waves, tmp_path / folder, options=options, num_frames=8, training=settings, device="cpu")
        return load_file(run / "weights.safetensors")

    whole = train("whole")
    original = training_loop.Loop.step

    def dies(self, number, batches):
        if number == 3:
            raise _Killed
        return original(self, number, batches)

    monkeypatch.setattr(training_loop.Loop, "step", dies)
    with pytest.raises(_Killed):
        train("killed")
    monkeypatch.setattr(training_loop.Loop, "step", original)
    resumed = train("killed")
    assert whole.keys() == resumed.keys()
    for key, value in whole.items():
        assert torch.equal(value, resumed[key]), key

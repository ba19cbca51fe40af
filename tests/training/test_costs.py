"""Costs: operations by hand, nothing changed by counting, a budget of operations instead of steps."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from physrep.clip import Clip
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.files import read_json
from physrep.learners import JEPA, Learner
from physrep.training.config import TrainingConfig
from physrep.training.costs import PeakMemory, encoding_flops, training_flops
from physrep.training.pretrain import pretrain
from tests.helpers.learner_clips import CONV, make_clip
from tests.helpers.small_data import TINY_ENCODER, write_waves


class OneMap(Learner):
    """A linear map of all values of a clip to 5 numbers."""

    def __init__(self, values: int) -> None:
        super().__init__(3, 8)
        self.embed_dim = 5
        self.map = nn.Linear(values, 5, bias=False)

    def encode(self, clip: Clip) -> Tensor:
        return self.map(self.fields(clip, 8).flatten(1)).unsqueeze(1)

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        return {"loss": self.encode(clip).square().mean()}


def test_operations_by_hand() -> None:
    clip = make_clip(batch=2)
    values = clip.fields[0].numel()
    learner = OneMap(values)
    # A multiply-add is 2; forward, and the gradient of the weight alone, as the input needs none.
    assert encoding_flops(learner, clip) == 2 * values * 5
    assert training_flops(learner, clip) == 2 * 2 * values * 5


def test_counting_changes_nothing() -> None:
    torch.manual_seed(0)
    learner = JEPA(3, 8, **CONV, level="clip")
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    state = torch.get_rng_state()
    assert training_flops(learner, make_clip(frames=16)) > 0
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(parameter.grad is None for parameter in learner.parameters())


def test_peak_memory_sees_a_block_that_is_gone() -> None:
    with PeakMemory() as memory:
        before = memory.peak
        torch.ones(50_000_000).sum()
    after = memory.peak
    if before is None or after is None:
        pytest.skip("this system does not tell the peak of memory")
    assert after - before > 150e6


def test_the_same_compute_instead_of_the_same_steps(tmp_path: Path) -> None:
    data = DataConfig(path=str(write_waves(tmp_path)))
    settings = {"batch_size": 4, "probe_every": 0, "threads": 1}

    def cost(name: str, **given: float) -> dict:
        training = TrainingConfig(**settings, **given)
        run = pretrain(
            "jepa", data, tmp_path / name, options=TINY_ENCODER, num_frames=4, training=training, device="cpu"
        )
        return read_json(run / "summary.json")

    one = cost("steps", steps=3)
    assert one["steps"] == 3 and one["flops"] > 0
    other = cost("flops", flops=2 * one["flops"])
    assert other["steps"] == 6 and other["clips_seen"] == 24
    with pytest.raises(PhysrepError, match=r"training\.flops is -1"):
        cost("bad", flops=-1.0)

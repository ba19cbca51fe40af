"""Encoders of two axes of space on fields of one or three: one sentence that names the right encoders."""

from __future__ import annotations

import inspect

import pytest
import torch

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import LEARNERS
from physrep.nn import ENCODERS

FRAMES = 8
OBJECTIVES = ("jepa", "masked_pixels", "next_frame", "operator", "supervised", "symmetry")
FLAT = sorted(
    name for name, kind in ENCODERS.items()
    if len(inspect.signature(getattr(kind, "grid", lambda t, h, w: 0)).parameters) == 4
)  # fmt: skip


@pytest.mark.parametrize("name", OBJECTIVES)
@pytest.mark.parametrize("encoder", FLAT)
@pytest.mark.parametrize("sizes", [(32,), (16, 16, 16)])
def test_a_sentence_names_the_encoders_of_these_axes(name: str, encoder: str, sizes: tuple[int, ...]) -> None:
    own = {"parameters": {"nu": "linear"}} if name == "supervised" else {}
    learner = LEARNERS[name](1, num_frames=FRAMES, encoder=encoder, **own)
    frames, axes = learner.train_frames, len(sizes)
    fields = torch.randn(4, 1, frames, *sizes)
    index = torch.arange(4)
    clip = Clip(fields, torch.rand(4, 1), ("a",), ("nu",), 0.1, (0.1,) * axes, (True,) * axes, index, index * 0)
    with pytest.raises(PhysrepError, match={1: "1 axis of space need conv2d", 3: "3 axes of space need conv4d"}[axes]):
        learner.loss(clip)

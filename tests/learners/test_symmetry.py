"""Symmetry views: the loss is symmetric in its two views, and there is no predictor."""

from __future__ import annotations

from dataclasses import replace

import torch

from physrep.learners import SymmetryViews, VICReg
from physrep.learners.pooling import pooled
from tests.helpers.learner_clips import CONV, make_clip


def test_the_loss_is_vicreg_of_two_views_and_symmetric() -> None:
    torch.manual_seed(0)
    learner, clip = SymmetryViews(3, 8, **CONV, projector=(16, 8)), make_clip(batch=4, frames=16)
    x, y = learner.projector(
        pooled(torch.cat([learner.encode(clip.frames(0, 8)), learner.encode(clip.frames(8, 16))]))
    ).chunk(2)
    expected = VICReg(25, 25, 1)(x.unsqueeze(1), y.unsqueeze(1))["loss"]
    torch.testing.assert_close(learner.loss(clip)["loss"], expected, rtol=1e-4, atol=1e-5)
    swapped = replace(clip, fields=torch.cat([clip.fields[:, :, 8:], clip.fields[:, :, :8]], 2))
    torch.testing.assert_close(learner.loss(swapped)["loss"], expected, rtol=1e-4, atol=1e-5)
    assert learner.predictor is None and learner.target == "random"
    same = replace(clip, fields=torch.cat([clip.fields[:, :, :8]] * 2, 2))
    assert learner.loss(same)["sim"] == 0

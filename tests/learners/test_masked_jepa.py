"""Masked latents: blocks, nothing hidden is seen, the teacher follows without gradient, no collapse."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners import MaskedJEPA
from physrep.nn.block_masks import block_masks
from tests.helpers.learner_clips import SMALL_CONV, make_clip, smooth_clip

VIT: dict[str, Any] = {
    "encoder": "vit3d",
    "encoder_options": {"patch": (2, 4, 4), "embed_dim": 12, "num_heads": 2, "depth": 1},
}


def learner_of(kind: str = "vit", **options: Any) -> MaskedJEPA:
    torch.manual_seed(0)
    sizes = {"predictor_dim": 16, "predictor_depth": 1}
    return MaskedJEPA(3, 8, **(VIT if kind == "vit" else SMALL_CONV), **sizes, **options)


@pytest.mark.parametrize(("blocks", "scale"), [(8, 0.15), (2, 0.7), (1, 0.3), (20, 0.9)])
def test_blocks_hide_the_same_places_at_all_times(blocks: int, scale: float) -> None:
    torch.manual_seed(0)
    grid = (3, 6, 8)
    visible, hidden = block_masks(40, grid, blocks, scale)
    assert visible.shape[1] >= 3 and hidden.shape[1] >= 3
    for part in (visible, hidden):
        places = part.view(40, 3, -1)
        assert torch.equal(places[:, 1] - 48, places[:, 0]) and bool((part.diff(dim=1) > 0).all())
    for row in range(40):
        assert not set(visible[row].tolist()) & set(hidden[row].tolist())
    if blocks == 1:
        # One rectangle: as many positions in every clip, and nothing is left over.
        assert visible.shape[1] + hidden.shape[1] == 3 * 48
        mask = torch.zeros(48, dtype=torch.bool).index_fill(0, hidden[0, : hidden.shape[1] // 3], True).view(6, 8)
        assert int(mask.any(1).sum() * mask.any(0).sum()) == int(mask.sum())
    with pytest.raises(PhysrepError, match="at least 2 positions"):
        block_masks(1, (4, 1, 1), 1, 0.5)


@pytest.mark.parametrize("kind", ["vit", "conv"])
def test_the_student_does_not_see_what_is_hidden(kind: str) -> None:
    learner, x = learner_of(kind).eval(), make_clip().fields
    grid = learner.token_blocks(x)
    torch.manual_seed(1)
    visible, hidden = block_masks(len(x), grid, 1, 0.4)
    before = learner.predict(x, grid, visible, hidden)
    changed = x.clone()
    a, b, c = learner.block
    for row in range(len(x)):
        for place in hidden[row].tolist():
            t, rest = divmod(place, grid[1] * grid[2])
            h, w = divmod(rest, grid[2])
            changed[row, :, t * a : (t + 1) * a, h * b : (h + 1) * b, w * c : (w + 1) * c] += 3
    torch.testing.assert_close(learner.predict(changed, grid, visible, hidden), before)
    assert not torch.allclose(learner.predict(x + 1, grid, visible, hidden), before, atol=1e-3)


def test_the_teacher_follows_and_gets_no_gradient() -> None:
    learner = learner_of(momentum=0.9, final_momentum=1.0)
    learner.loss(make_clip())["loss"].backward()
    assert all(p.grad is None and not p.requires_grad for p in learner.teacher.parameters())
    old = [p.clone() for p in learner.teacher.parameters()]
    with torch.no_grad():
        for parameter in learner.encoder.parameters():
            parameter.add_(1.0)
    learner.after_step(0.5)  # momentum 0.95
    for mine, before in zip(learner.teacher.parameters(), old, strict=True):
        torch.testing.assert_close(mine, before + 0.05)
    learner.after_step(1.0)
    for mine, before in zip(learner.teacher.parameters(), old, strict=True):
        torch.testing.assert_close(mine, before + 0.05)


def test_whose_tokens() -> None:
    teacher, student, clip = learner_of(), learner_of(encode_with="student"), make_clip()
    for learner in (teacher, student):
        with torch.no_grad():
            for parameter in learner.encoder.parameters():
                parameter.mul_(1.5)
    assert torch.equal(teacher.encode(clip), teacher.teacher(clip.fields))
    assert torch.equal(student.encode(clip), student.encoder(clip.fields))
    assert not torch.allclose(teacher.encode(clip), student.encode(clip))


def test_training_lowers_the_loss_and_keeps_the_spread() -> None:
    learner = learner_of(momentum=0.95, final_momentum=0.95)
    optimiser = torch.optim.AdamW([p for p in learner.parameters() if p.requires_grad], lr=2e-3)
    first = learner.loss(smooth_clip(8, 8))
    for step in range(80):
        optimiser.zero_grad()
        learner.loss(smooth_clip(8, 8, seed=step))["loss"].backward()
        optimiser.step()
        learner.after_step(0.0)
    last = learner.loss(smooth_clip(8, 8))
    assert last["loss"] < 0.8 * first["loss"] and last["feature_std_pooled"] > 0.3 * first["feature_std_pooled"]


def test_bad_options() -> None:
    for options, match in (
        ({"encode_with": "both"}, "'teacher' or 'student'"),
        ({"momentum": 2.0}, "between 0 and 1"),
        ({"masks": [[8]]}, "give pairs"),
    ):
        with pytest.raises(PhysrepError, match=match):
            learner_of(**options)

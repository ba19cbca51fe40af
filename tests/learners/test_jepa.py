"""JEPA: windows in order, gradients through both sides, collapse seen, training that works."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from physrep.errors import PhysrepError
from physrep.learners import JEPA, VICReg
from physrep.learners.pooling import pooled
from physrep.nn.predictor import ConvTokenPredictor, TokenPredictor
from tests.helpers.learner_clips import CONV, CONVNEXT, make_clip


def jepa(**options) -> JEPA:
    torch.manual_seed(0)
    return JEPA(3, num_frames=8, **{**CONVNEXT, **options})


class Flat(nn.Module):
    """An encoder from outside: no embed_dim, no grid."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(3 * 8, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.map(x.flatten(1, 2).flatten(2).transpose(1, 2))


def test_loss_is_vicreg_of_prediction_and_target_from_two_passes():
    learner, clip = jepa(), make_clip(frames=16, size=(16, 16))
    context, target = learner.encode(clip.frames(0, 8)), learner.encode(clip.frames(8, 16))
    predicted = learner.predictor(context, learner.encoder.grid(8, 16, 16))
    expected = VICReg()(predicted, target)
    terms = learner.loss(clip)
    for name, value in expected.items():
        torch.testing.assert_close(terms[name], value, rtol=1e-4, atol=1e-5)
    both = torch.cat([context, target]).flatten(0, 1)
    torch.testing.assert_close(terms["feature_std"], both.std(0, correction=0).mean(), rtol=1e-4, atol=1e-5)
    assert not terms["feature_std"].requires_grad


def test_gradients_flow_through_both_windows():
    learner, clip = jepa(), make_clip(frames=16, size=(16, 16))
    clip.fields.requires_grad_()
    learner.loss(clip)["sim"].backward()
    gradient = clip.fields.grad
    assert gradient is not None
    assert gradient[:, :, :8].abs().max() > 0 and gradient[:, :, 8:].abs().max() > 0


def test_default_predictors():
    assert isinstance(jepa().predictor, ConvTokenPredictor)
    mixing = jepa(**CONV).predictor
    assert isinstance(mixing, TokenPredictor) and mixing.kernel_size == 3
    alone = jepa(encoder=Flat(), encoder_options=None).predictor
    assert isinstance(alone, TokenPredictor) and alone.kernel_size == 1


def test_an_encoder_from_outside_needs_nothing_but_tokens():
    learner = jepa(encoder=Flat(), encoder_options=None)
    assert learner.embed_dim == 10
    terms = learner.loss(make_clip(frames=16))
    assert terms["loss"].isfinite()


def test_clips_as_rows():
    learner, clip = jepa(level="clip", projector=(6, 4)), make_clip(frames=16, size=(16, 16))
    context, target = learner.encode(clip.frames(0, 8)), learner.encode(clip.frames(8, 16))
    # One pass over both: the projector's batch norm sees both windows.
    x, y = learner.projector(pooled(torch.cat([context, target]))).chunk(2)
    assert x.shape == (3, 4)
    expected = VICReg()(x + learner.predictor(x), y)["loss"]
    torch.testing.assert_close(learner.loss(clip)["loss"], expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(PhysrepError, match="'token' or 'clip'"):
        jepa(level="pooled")


def test_target_is_what_the_trainer_reads():
    assert jepa().target == "next"
    assert jepa(level="clip", target="random").target == "random"
    with pytest.raises(PhysrepError, match="needs level: clip"):
        jepa(target="random")
    with pytest.raises(PhysrepError, match="'next' or 'random'"):
        jepa(level="clip", target="near")


def test_regulariser_options_and_typing_errors():
    learner = jepa(regulariser={"sim": 25, "chunks": 2})
    assert isinstance(learner.regulariser, VICReg) and learner.regulariser.sim == 25
    with pytest.raises(PhysrepError, match="did you mean 'chunks'"):
        jepa(regulariser={"chunk": 2})
    with pytest.raises(PhysrepError, match="did you mean 'tokens'"):
        jepa(predictor="token")


def test_collapse_is_seen():
    learner, clip = jepa(**CONV), make_clip(frames=16)
    assert learner.loss(clip)["feature_std"] > 0.01
    with torch.no_grad():
        learner.encoder.head.weight.zero_()
    terms = learner.loss(clip)
    assert terms["feature_std"] == terms["feature_std_pooled"] == 0
    assert terms["std_y"] > 0.49


def test_training_lowers_the_loss_without_collapse():
    learner, clip = jepa(**CONV), make_clip(batch=6, frames=16)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=3e-3)
    first = learner.loss(clip)
    for _ in range(40):
        optimizer.zero_grad()
        learner.loss(clip)["loss"].backward()
        optimizer.step()
    last = learner.loss(clip)
    assert last["loss"] < 0.5 * first["loss"]
    assert last["feature_std"] > 0.5


def test_bfloat16_autocast_is_close():
    learner, clip = jepa(), make_clip(frames=16, size=(16, 16))
    exact = learner.loss(clip)["loss"]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = learner.loss(clip)["loss"]
    value.backward()
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, exact, rtol=0.02, atol=0)
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learner.parameters())


def test_one_clip_as_the_only_row_cannot_be_regularised():
    learner = jepa(level="clip")
    with pytest.raises(PhysrepError, match="larger batch"):
        learner.loss(make_clip(batch=1, frames=16, size=(16, 16)))

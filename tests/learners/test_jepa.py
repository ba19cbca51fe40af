"""JEPA: windows in order, gradients through both sides, collapse seen, training that works."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from physrep.errors import PhysrepError
from physrep.learners import JEPA, VICReg
from physrep.learners.disturbances import Disturbances
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
    with pytest.raises(PhysrepError, match="'next', 'random' or 'replicate'"):
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


CLIPS = {"level": "clip", "target": "random", "projector": (16, 8), **CONV}


@pytest.mark.parametrize("form", [CLIPS, CONV])
def test_a_teacher_gets_no_gradient_and_follows(form):
    learner, clip = jepa(momentum=0.9, **form), make_clip(frames=16, size=(16, 16))
    assert learner.label.endswith("teacher)")
    clip.fields.requires_grad_()
    learner.loss(clip)["sim"].backward()
    gradient = clip.fields.grad
    assert gradient is not None and gradient[:, :, :8].abs().max() > 0 and gradient[:, :, 8:].abs().max() == 0
    assert all(p.grad is None and not p.requires_grad for p in learner.teacher.parameters())
    before = [p.clone() for p in learner.teacher.parameters()]
    with torch.no_grad():
        for p in learner.encoder.parameters():
            p.add_(1.0)
    learner.after_step(0.5)
    for old, new in zip(before, learner.teacher.parameters(), strict=True):
        torch.testing.assert_close(new, old + 0.1)


def test_views_are_disturbed_in_training_alone():
    clip = make_clip(frames=16, size=(16, 16))
    plain, shaken = jepa(**CLIPS), jepa(**CLIPS, views={"noise": 0.5})
    torch.testing.assert_close(shaken.encode(clip.frames(0, 8)), plain.encode(clip.frames(0, 8)))
    torch.testing.assert_close(shaken.eval().loss(clip)["sim"], plain.eval().loss(clip)["sim"])
    plain.train(), shaken.train()
    same, other = plain.loss(clip)["sim"].detach(), shaken.loss(clip)["sim"].detach()
    assert abs(float(same - other)) > 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"momentum": 1.5}, "between 0 and 1"),
        ({"views": {"speckle": 1}}, "no option 'speckle'"),
        ({"views": {"gain": 0.5}}, "gain of at least 1"),
    ],
)
def test_disturbances_and_teachers_that_cannot_be(options, message):
    with pytest.raises(PhysrepError, match=message):
        jepa(**options)


def test_what_the_disturbances_do():
    torch.manual_seed(0)
    wave = torch.sin(2 * torch.pi * 3 * torch.arange(24) / 24)
    x = wave.view(1, 1, 1, 1, -1).expand(64, 2, 2, 8, -1)
    blurred = Disturbances(blur=2.0)(x, (False, True))
    ratio = blurred / x.where(x.abs() > 0.1, torch.nan)
    each = ratio[:, 0, 0, 0].nanmedian(1).values  # a sine stays one around a periodic axis, by exp(-k² s² / 2)
    assert (ratio - each.view(-1, 1, 1, 1, 1)).nan_to_num().abs().max() < 1e-3
    assert each.max() > 0.98 and 0.2 < each.min() < 0.4
    torch.testing.assert_close(
        Disturbances(blur=2.0)(torch.ones(4, 1, 2, 8, 8), (False, False)), torch.ones(4, 1, 2, 8, 8)
    )
    gained = Disturbances(gain=2.0)(x, (True, True))[:, :, 0, 0, 2] / x[:, :, 0, 0, 2]
    assert 0.5 <= gained.min() < 0.6 and 1.7 < gained.max() <= 2 and (gained[:, 0] != gained[:, 1]).all()
    noise = (Disturbances(noise=0.3)(x, (True, True)) - x).std((1, 2, 3, 4))
    assert noise.max() < 0.35 and noise.max() > 0.2 and noise.min() < 0.1

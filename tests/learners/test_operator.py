"""The operator learner: what its loss measures, and that its latent learns a coefficient."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import OperatorLearner
from tests.helpers.learner_clips import CONV, make_clip
from tests.helpers.operator_clips import heat_clip, ridge_r2


def learner(**options: Any) -> OperatorLearner:
    torch.manual_seed(0)
    return OperatorLearner(3, 8, **{**CONV, "width": 8, "hidden": 16, **options})


def value(term: Tensor) -> float:
    return float(term.detach())


def persistent(model: OperatorLearner) -> OperatorLearner:
    """With f = 0 the prediction is the last frame."""
    torch.nn.init.zeros_(model.operator.out.weight)
    torch.nn.init.zeros_(model.operator.out.bias)
    return model


def test_repeating_the_last_frame_costs_one_half():
    terms = persistent(learner(floor=1e-12)).loss(make_clip(frames=9))
    assert value(terms["loss"]) == pytest.approx(0.5)
    assert value(terms["relative_error"]) == pytest.approx(1)


def test_published_scale_by_hand():
    clip = make_clip(frames=9)
    start, target = clip.fields[:, :, 7], clip.fields[:, :, 8]
    total = 0.0
    for b in range(3):
        for c in range(3):
            difference = (start[b, c] - target[b, c]).square().mean()
            total += 0.5 * float(difference / (target[b, c].var(correction=0) + 1e-5)) / 9
    loss = persistent(learner(scale="field")).loss(clip)["loss"]
    assert value(loss) == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize(("options", "frames", "start"), [({"horizon": 3}, 11, 7), ({"target": "random"}, 16, 14)])
def test_which_frames_are_read(options, frames, start):
    model = learner(**options)
    seen: list[Tensor] = []
    model.encoder.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    states: list[Tensor] = []
    model.operator.register_forward_pre_hook(lambda _, args: states.append(args[0]))
    clip = make_clip(frames=frames)
    assert model.train_frames == frames
    model.loss(clip)
    assert torch.equal(seen[0], clip.fields[:, :, :8])
    assert torch.equal(states[0], clip.fields[:, :, start])


def test_the_target_is_not_in_the_window():
    clip = make_clip(frames=9)
    model = learner()
    latent = model.latent(model.encoder(clip.fields[:, :, :8]))
    clip.fields[:, :, 8] = 0
    assert torch.equal(model.latent(model.encoder(model.fields(clip.frames(0, 8), 8))), latent)


def test_latent_tokens_are_the_map_of_the_mean_token():
    clip = make_clip(frames=8)
    every, latent = learner(latent=6), learner(latent=6, tokens="latent")
    latent.load_state_dict(every.state_dict())
    assert latent.embed_dim == 6 and latent.encode(clip).shape == (3, 1, 6)
    torch.testing.assert_close(latent.encode(clip)[:, 0], every.bottleneck(every.encode(clip).mean(1)))
    assert learner(tokens="latent").encode(clip).shape == (3, 1, every.embed_dim)


def test_gradient_reaches_the_encoder_through_the_solver():
    model = learner()
    model.loss(make_clip(frames=9))["loss"].backward()
    assert all(float(p.grad.abs().max()) > 0 for p in model.encoder.parameters() if p.grad is not None)


def test_bfloat16_autocast_keeps_the_loss_in_float32():
    model, clip = learner(), make_clip(frames=9)
    with torch.autocast("cpu", torch.bfloat16):
        terms = model.loss(clip)
    assert terms["loss"].dtype == torch.float32
    assert value(terms["loss"]) == pytest.approx(value(model.loss(clip)["loss"]), rel=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tokens": "first"}, "tokens is 'first'"),
        ({"scale": "none"}, "scale is 'none'"),
        ({"method": "bosh3"}, "method is 'bosh3'"),
        ({"target": "random", "horizon": 8}, "horizon 8"),
        ({"steps": 0}, "steps 0"),
        ({"levels": -1}, "levels -1"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(PhysrepError, match=message):
        learner(**options)


def test_sizes_that_cannot_be_halved():
    with pytest.raises(PhysrepError, match="set fewer levels"):
        learner(levels=4).loss(make_clip(frames=9))


def coefficient_r2(model: OperatorLearner) -> float:
    """How well z tells log κ on heat clips that were not trained on."""

    def latents(clip: Clip) -> Tensor:
        with torch.no_grad():
            return model.latent(model.encode(clip))

    train, test = heat_clip(192, 4, seed=1001), heat_clip(192, 4, seed=1002)
    return ridge_r2(latents(train), train.parameters[:, 0], latents(test), test.parameters[:, 0])


@pytest.mark.parametrize("target", ["next", pytest.param("random", marks=pytest.mark.slow)])
def test_the_latent_learns_an_unseen_coefficient(target):
    torch.manual_seed(0)
    small = {"dims": (16, 32, 32), "strides": ((2, 2, 2),) * 3}
    model = OperatorLearner(1, 4, "conv3d", small, width=16, hidden=64, levels=0, target=target)
    before = coefficient_r2(model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(160):
        loss = model.loss(heat_clip(24, model.train_frames, seed=step))["loss"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    after = coefficient_r2(model)
    assert after > 0.9 and before < 0.5, (before, after)

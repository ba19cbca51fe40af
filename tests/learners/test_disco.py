"""The DISCO learner: its loss, its operator, its solver, its vocabulary."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from physrep.errors import PhysrepError
from physrep.learners import DISCO
from physrep.learners.disco import SIZES
from physrep.nn.disco_operator import DiscoOperator
from physrep.nn.integrate import integrate_adaptive
from tests.helpers.learner_clips import DISCO as SMALL
from tests.helpers.learner_clips import make_clip
from tests.helpers.operator_clips import heat_clip, ridge_r2


def learner(**options: Any) -> DISCO:
    torch.manual_seed(0)
    return DISCO(3, 8, **{**SMALL, **options})


def operator(periodic: bool = True, batch: int = 3) -> tuple[DiscoOperator, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    f = DiscoOperator(2, periodic, depth=2)
    return f, f.scales() * (2 * torch.rand(batch, f.size) - 1), torch.randn(batch, 2, 16, 24)


def test_loss_is_the_gaussian_likelihood_in_units_of_the_window():
    model, clip = learner(), make_clip(frames=9)
    x = clip.fields
    mean, std = x[:, :, :8].mean((2, 3, 4), keepdim=True), x[:, :, :8].std((2, 3, 4), keepdim=True)
    target = ((x - mean) / std)[:, :, 8]
    prediction = (model.predict(clip.frames(0, 8)) - mean[:, :, 0]) / std[:, :, 0]
    variance = target.var((2, 3), keepdim=True).expand_as(target)
    reference = F.gaussian_nll_loss(prediction, target, variance)
    torch.testing.assert_close(model.loss(clip)["loss"], reference, rtol=1e-4, atol=1e-5)


def test_loss_and_gradients_are_those_of_the_plain_form(monkeypatch):
    """The reference of `benchmarks/learners.py`: modules of torch.nn, one operator network per sample."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    plain_disco: Any = importlib.import_module("plain_disco")
    model, clip = learner(periodic=True, solver="bosh3", steps=2), make_clip(frames=9)
    clip = dataclasses.replace(clip, periodic=(True, True))
    plain = plain_disco.PlainDisco(model)
    losses = model.loss(clip)["loss"], plain(clip.fields)
    torch.testing.assert_close(*losses, rtol=1e-5, atol=1e-6)
    for loss in losses:
        loss.backward()
    theirs = dict(plain.named_parameters())
    for name, parameter in model.model.named_parameters():
        found = theirs.pop(plain_disco.PlainDisco.name(name, "data")).grad
        assert parameter.grad is not None and float(parameter.grad.abs().max()) > 0, name
        torch.testing.assert_close(parameter.grad.view_as(found), found, rtol=1e-3, atol=1e-6, msg=name)
    assert not theirs


def test_relative_error_of_repeating_the_last_frame_is_one():
    model = learner()
    model.model.advance = lambda theta, frame: frame  # pyright: ignore[reportAttributeAccessIssue]
    assert float(model.loss(make_clip(frames=9))["relative_error"]) == pytest.approx(1, rel=1e-5)


def test_the_target_reaches_no_prediction():
    model, clip = learner(), make_clip(frames=9)
    seen = []
    model.model.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model.loss(clip)
    assert torch.equal(seen[0], clip.fields[:, :, :8])


@pytest.mark.parametrize("periodic", [True, False])
def test_all_samples_at_once_are_each_sample_by_itself(periodic):
    f, theta, u = operator(periodic)
    alone = torch.cat([f(theta[i : i + 1], u[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(f(theta, u), alone, rtol=1e-4, atol=1e-5)


def test_first_layers_are_those_of_the_library():
    """The folded convolutions, against one library module per sample."""
    f, theta, u = operator()
    weights = f.weights(theta)
    for i in range(3):
        layer = torch.nn.Conv2d(2, 8, 3, padding=1, padding_mode="circular", bias=False)
        layer.weight.data = weights["adapter_in"][i]
        torch.testing.assert_close(f._conv3(u, weights["adapter_in"])[i], layer(u[i]), rtol=1e-4, atol=1e-5)


def test_shifts_along_periodic_axes_shift_the_output():
    f, theta, u = operator()
    for axis in (2, 3):
        torch.testing.assert_close(f(theta, u.roll(4, axis)), f(theta, u).roll(4, axis), rtol=1e-4, atol=1e-5)
    walls, theta, u = operator(periodic=False)
    assert not torch.allclose(walls(theta, u.roll(4, 2)), walls(theta, u).roll(4, 2), atol=1e-2)


@pytest.mark.parametrize(("rtol", "steps"), [(1e-12, 8), (10.0, None)])
def test_a_step_of_the_smallest_size_is_always_taken(rtol, steps):
    calls = []

    def stiff(theta, u):
        calls.append(1)
        return torch.sin(40 * u)

    u = integrate_adaptive(stiff, torch.zeros(1), torch.ones(2, 3), 1 / 8, rtol, 1e-12)
    # One evaluation at the start, one to guess the first step, three per step.
    taken = (len(calls) - 2) / 3
    assert u.isfinite().all()
    assert taken == steps if steps else taken < 8


def test_adjoint_gradient_is_that_through_the_steps():
    gradients = []
    for adjoint in (False, True):
        model, clip = learner(solver="bosh3", steps=4, adjoint=adjoint), make_clip(frames=9)
        model.loss(clip)["loss"].backward()
        weight = model.model.param_gen_common[0].weight
        gradients.append(weight.grad)
    scale = float(gradients[0].abs().max())
    torch.testing.assert_close(gradients[1], gradients[0], rtol=0.1, atol=0.05 * scale)


def test_a_small_width_makes_a_low_rank_generator():
    model = learner(hidden=2).model
    scale = model.theta_norm_data
    with torch.no_grad():
        theta = model.theta(torch.randn(20, 48)).double() / scale.double()
    # Undo the squashing: what is left is θ_0 + U v.
    raw = torch.logit((theta / 2 + 1) / 2)
    values = torch.linalg.svdvals(raw - raw.mean(0))
    assert float(values[2] / values[0]) < 1e-4
    assert float(theta.abs().max()) <= 2


def test_labels_by_name():
    model = learner(vocabulary="well")
    assert model.labels(("tracer", "pressure", "velocity_x", "velocity_y")) == [5, 2, 6, 7]
    assert model.labels(("buoyancy", "pressure", "velocity_x", "velocity_y")) == [17, 2, 6, 7]
    tensors = [f"{field}_{i}{j}" for field in "DE" for i in "xy" for j in "xy"]
    assert model.labels(("concentration", "velocity_x", "velocity_y", *tensors)) == [
        8,
        6,
        7,
        9,
        10,
        11,
        12,
        *range(25, 29),
    ]
    assert model.labels(("A", "B")) == [13, 14]
    with pytest.raises(PhysrepError, match=r"no channel 'displacement'.*vocabulary: own"):
        model.labels(("displacement",))
    assert learner(vocabulary="well", labels={"displacement": 2}).labels(("displacement",)) == [2]
    assert learner().labels(("displacement", "anything", "else")) == [0, 1, 2]


def test_the_third_heads_value_counts_from_the_second_block_on():
    model, clip = learner(blocks=2), make_clip(frames=8)
    assert len(model.model.hpnn.blocks[0].spatial.input_heads) == 2  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
    before = model.encode(clip)
    with torch.no_grad():
        model.model.hpnn.blocks[1].spatial.input_heads[2].bias.add_(torch.randn(144))  # pyright: ignore
    assert not torch.allclose(model.encode(clip), before, atol=1e-3)


def test_tokens_and_their_mean():
    clip = make_clip(frames=8)
    every, latent = learner(tokens="all"), learner()
    assert every.encode(clip).shape == (3, 8 * 2 * 3, 48)
    torch.testing.assert_close(every.encode(clip).mean(1, keepdim=True), latent.encode(clip))


def test_dropped_paths_only_in_training():
    model, clip = learner(drop_path=0.5), make_clip(frames=8)
    assert not torch.equal(model.encode(clip), model.encode(clip))
    model.eval()
    assert torch.equal(model.encode(clip), model.encode(clip))


def test_bfloat16_autocast_solves_in_float32():
    model, clip = learner(), make_clip(frames=9)
    with torch.autocast("cpu", torch.bfloat16):
        loss = model.loss(clip)["loss"]
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, model.loss(clip)["loss"], rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "huge"}, "size is 'huge'"),
        ({"vocabulary": "mine"}, "vocabulary is 'mine'"),
        ({"labels": {"a": 1}}, "vocabulary: well"),
        ({"labels": {"a": 29}, "vocabulary": "well"}, "no column"),
        ({"patch": 5}, "patch is 5"),
        ({"dim": 50}, "dim 50"),
        ({"solver": "bosh"}, "solver is 'bosh'"),
        ({"adjoint": True}, "bosh3 alone"),
        ({"start": 6}, "start 6"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(PhysrepError, match=message):
        learner(**options)


def test_data_that_do_not_fit():
    with pytest.raises(PhysrepError, match="set periodic: false"):
        learner(periodic=True).loss(make_clip(frames=9))
    with pytest.raises(PhysrepError, match="choose a smaller depth"):
        learner(depth=4).loss(make_clip(frames=9))
    with pytest.raises(PhysrepError, match="choose patch 4"):
        learner(patch=16).encode(make_clip(frames=8))


def test_parameters_of_the_sizes():
    """The numbers of docs/learners/disco.md."""
    counts = {}
    for size in SIZES:
        with torch.device("meta"):
            model = DISCO(4, size=size)  # pyright: ignore[reportArgumentType]
        counts[size] = sum(p.numel() for p in model.parameters())
    assert counts == {"official": 161_826_368, "standard": 8_482_736, "light": 3_103_720}


@pytest.mark.slow
def test_the_latent_learns_an_unseen_coefficient():
    torch.manual_seed(0)
    model = DISCO(1, 4, "light", 48, 1, 8, 1, patch=4, depth=2, layer_scale=0.1, drop_path=0, solver="rk4")

    def score() -> float:
        clips = [heat_clip(192, 4, seed=seed) for seed in (1001, 1002)]
        with torch.no_grad():
            z, z_test = (model.encode(clip).mean(1) for clip in clips)
        return ridge_r2(z, clips[0].parameters[:, 0], z_test, clips[1].parameters[:, 0])

    before = score()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(150):
        loss = model.loss(heat_clip(24, 5, seed=step))["loss"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    after = score()
    assert before < 0.3 and after > 0.5, (before, after)

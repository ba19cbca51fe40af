"""An incomplete equation and a learned rest: what is given is exact, and what is learned is what is missing."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.learners import PhysicsIntegrated
from physrep.learners.known_terms import known_rate, known_terms
from physrep.nn.derivatives import derivative
from tests.helpers.learner_clips import CONV, make_clip
from tests.helpers.operator_clips import heat_clip, ridge_r2

SPEED = 0.15
WIND = {"u": {"d_x(u)": -SPEED}}
SMALL: dict[str, Any] = {
    "encoder": "conv3d", "encoder_options": {"dims": (16, 32, 32), "strides": ((2, 2, 2),) * 3}, "width": 16,
    "hidden": 64, "levels": 0,
}  # fmt: skip


def windy_clip(batch: int, frames: int, seed: int, kappa: float | None = None) -> Clip:
    """Heat that a known wind carries: every mode decays by exp(-κ|k|² t) and turns by exp(-i k_x c t)."""
    clip = heat_clip(batch, frames, seed=seed)
    n = clip.fields.shape[3]
    k = torch.fft.fftfreq(n, 1 / n).view(n, 1)
    if kappa is not None:
        k2 = k**2 + torch.fft.rfftfreq(n, 1 / n) ** 2
        modes = torch.fft.rfft2(clip.fields[:, :, :1])
        time = torch.arange(frames).view(frames, 1, 1)
        clip.fields = torch.fft.irfft2(modes * torch.exp(-kappa * k2 * time), s=(n, n))
    turn = torch.exp(-1j * SPEED * k * torch.arange(frames).view(frames, 1, 1))
    clip.fields = torch.fft.ifft2(torch.fft.fft2(clip.fields) * turn).real.contiguous()
    clip.dx = (2 * math.pi / n,) * 2
    return clip


def learner(**options: Any) -> PhysicsIntegrated:
    torch.manual_seed(0)
    return PhysicsIntegrated(1, 4, **{**SMALL, "known": WIND, **options})


def silent(model: PhysicsIntegrated) -> PhysicsIntegrated:
    """With a learned part that is 0."""
    torch.nn.init.zeros_(model.operator.out.weight)
    torch.nn.init.zeros_(model.operator.out.bias)
    return model


def test_derivatives_of_what_has_known_ones() -> None:
    n, dx = 32, (2 * math.pi / 32, 0.05)
    x, y = torch.arange(n).double().view(n, 1) * dx[0], torch.arange(20).double() * dx[1]
    f = torch.sin(3 * x) * y**2
    periodic = (True, False)
    torch.testing.assert_close(derivative(f, (1, 0), dx, periodic), 3 * torch.cos(3 * x) * y**2)
    torch.testing.assert_close(derivative(f, (2, 0), dx, periodic), -9 * f)
    torch.testing.assert_close(derivative(f, (0, 1), dx, periodic), torch.sin(3 * x) * 2 * y)
    uneven = (y + y**2) / 2
    found = derivative(torch.sin(3 * x) * uneven**2, (1, 1), dx, periodic, (None, uneven))
    torch.testing.assert_close(found, 3 * torch.cos(3 * x) * 2 * uneven, rtol=1e-2, atol=1e-2)


def test_a_whole_equation_leaves_nothing_to_learn() -> None:
    clip = windy_clip(8, 5, seed=1, kappa=0.05)
    whole = {"u": {"d_x(u)": -SPEED, "d_xx(u)": 0.05, "d_yy(u)": 0.05}}
    model = silent(learner(known=whole, target="next", steps=4))
    assert float(model.loss(clip)["relative_error"]) < 1e-4
    half = silent(learner(target="next", steps=4))
    assert float(half.loss(clip)["relative_error"]) > 0.1


def test_rates_are_in_physical_units_whatever_normalises_the_fields() -> None:
    clip = windy_clip(8, 5, seed=1, kappa=0.05)
    whole = {"u": {"d_x(u)": -SPEED, "d_xx(u)": 0.05, "d_yy(u)": 0.05}}
    model = silent(learner(known=whole, target="next", steps=4))
    model.set_normalisation(("u",), [0.3], [2.5])
    assert float(model.loss(clip)["relative_error"]) < 1e-4
    clip.dt = 2.0  # the same frames with a longer time between them are another equation's
    assert float(model.loss(clip)["relative_error"]) > 0.1


def test_products_are_read_by_name_in_any_order() -> None:
    clip = make_clip(frames=8)
    state = clip.fields[:, :, 0]
    known = {"tracer": {"d_y(velocity_x tracer)": -2.0}, "pressure": {"tracer": 1.0}}
    rate = known_rate(known_terms(known, clip.channels, 2, "known"), state, clip.channels, clip)
    expected = -2 * derivative(state[:, 0] * state[:, 2], (0, 1), clip.dx, clip.periodic)
    torch.testing.assert_close(rate[:, 0], expected)
    assert torch.equal(rate[:, 1], state[:, 0])
    assert not rate[:, 2].any()


def test_what_is_learned_is_what_is_missing() -> None:
    model = learner()
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(160):
        loss = model.loss(windy_clip(24, model.train_frames, seed=step))["loss"]
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()

    def latents(clip: Clip) -> Tensor:
        with torch.no_grad():
            return model.encode(clip)[:, 0]

    train, test = windy_clip(192, 4, seed=1001), windy_clip(192, 4, seed=1002)
    read = ridge_r2(latents(train), train.parameters[:, 0], latents(test), test.parameters[:, 0])
    assert read > 0.8
    with torch.no_grad():
        z, state = latents(test), test.fields[:, :, -1]
        learned = model.operator(state, model.generator(z), test.periodic)
        laplacian = derivative(state, (2, 0), test.dx, (True, True)) + derivative(state, (0, 2), test.dx, (True, True))
        missing = 10 ** test.parameters[:, 0].view(-1, 1, 1, 1) * laplacian
    assert float(torch.corrcoef(torch.stack([learned.flatten(), missing.flatten()]))[0, 1]) > 0.9


def test_the_learned_part_is_kept_small() -> None:
    clip = windy_clip(8, 8, seed=1)
    free, kept = learner(norm=0.0).loss(clip), learner(norm=1.0).loss(clip)
    assert "learned_share" not in free
    assert float(kept["loss"].detach()) == pytest.approx(
        float(free["loss"].detach()) + float(kept["learned_share"]), rel=1e-5
    )


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"v": {"u": 1.0}}, "names 'v'"),
        ({"u": {"d_x(w)": 1.0}}, "names 'w'"),
        ({"u": {"d_z(u)": 1.0}}, "no term on 2 axes"),
        ({"u": {"d_x()": 1.0}}, "names 'no channel'"),
        ({"u": {"u\nw": 1.0}}, "names 'w'"),
        ({"u": {"u": math.inf}}, "a finite coefficient"),
    ],
)
def test_what_is_no_term_is_refused(known: dict[str, dict[str, float]], message: str) -> None:
    with pytest.raises(PhysrepError, match=message):
        learner(known=known).loss(windy_clip(4, 8, seed=0))


def test_who_is_given_an_equation_competes_with_nobody() -> None:
    assert learner().kind == "oracle"
    assert PhysicsIntegrated(3, 8, **CONV).kind == "learner"
    with pytest.raises(PhysrepError, match="norm is -1"):
        learner(norm=-1.0)

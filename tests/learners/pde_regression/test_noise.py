"""The weak form against noise, and against finite differences."""

from __future__ import annotations

import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.learners.pde_regression import estimate
from physrep.learners.pde_regression.regression import least_squares
from tests.helpers.oracle_clips import noisy, windows

LEVELS = (0.0, 0.02, 0.05, 0.1, 0.3)


def log_error(found: Tensor, true: Tensor) -> float:
    """Root-mean-square error of log10, with what is not positive at 1e-6."""
    return float((found.clamp_min(1e-6) / true).log10().square().mean().sqrt())


def finite_differences(clip: Clip) -> Tensor:
    """D of the tracer from central differences on every inner point of every inner frame."""
    s, u, w = (clip.fields[:, clip.channels.index(n)].double() for n in ("tracer", "velocity_x", "velocity_y"))
    (dx, dy), middle = clip.dx, slice(1, -1)
    rate = (s[:, 2:] - s[:, :-2]) / (2 * clip.dt)
    slopes = [(s.roll(-1, axis) - s.roll(1, axis)) / (2 * d) for axis, d in ((2, dx), (3, dy))]
    along, across = ((s.roll(-1, axis) - 2 * s + s.roll(1, axis)) / d**2 for axis, d in ((2, dx), (3, dy)))
    target = rate + (u * slopes[0] + w * slopes[1])[:, middle]
    return least_squares([(along + across)[:, middle].flatten(1)], target.flatten(1))[:, 0]


def tracer_diffusivity(clip: Clip) -> Tensor:
    found = estimate(clip, "shear_flow")
    return 1 / (found["Reynolds"] * found["Schmidt"])


def test_the_error_grows_with_the_noise():
    clip = windows("shear_flow", count=6)
    reynolds, schmidt = clip.parameters.T
    for value, true in ((0, reynolds), (1, 1 / (reynolds * schmidt))):
        found = [
            (estimate(noisy(clip, level), "shear_flow")["Reynolds"], tracer_diffusivity(noisy(clip, level)))[value]
            for level in LEVELS
        ]
        grown = [log_error(each, true) for each in found]
        assert grown == sorted(grown), grown
        assert grown[0] < 0.01 and grown[-1] > 5 * grown[1]


def test_the_weak_form_beats_finite_differences_at_5_percent_noise():
    clip = windows("shear_flow", count=6)
    true = 1 / clip.parameters.prod(1)
    dirty = noisy(clip, 0.05)
    weak, strong = log_error(tracer_diffusivity(dirty), true), log_error(finite_differences(dirty), true)
    assert weak < 0.05 and strong > 5 * weak, (weak, strong)
    # Without noise the same differences do find it, so that it is the noise that they fail at.
    assert log_error(finite_differences(clip), true) < 0.2


def test_pure_noise_holds_no_coefficient():
    clip = windows("shear_flow", count=6)
    noise = torch.randn(clip.fields.shape, generator=torch.Generator().manual_seed(1))
    clip = Clip(noise, *(getattr(clip, n) for n in list(Clip.__dataclass_fields__)[1:]))
    assert log_error(tracer_diffusivity(clip), 1 / clip.parameters.prod(1)) > 0.5

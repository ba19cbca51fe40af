"""Test functions and the integrals against them."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.learners.pde_regression import Boxes, WeakForm
from physrep.learners.pde_regression.bumps import Bumps, bump, quadrature
from physrep.systems.grids.chebyshev import gauss


@pytest.mark.parametrize("order", [1, 2, 3])
def test_derivatives_are_those_of_the_bump(order):
    s = torch.linspace(-1.2, 1.2, 241, dtype=torch.float64)
    step = 1e-5
    below, above = bump(s - step, 7, order - 1), bump(s + step, 7, order - 1)
    torch.testing.assert_close(bump(s, 7, order), (above - below) / (2 * step), rtol=1e-5, atol=1e-5)
    assert (bump(s, 7, order)[s.abs() >= 1] == 0).all()


def test_a_derivative_that_does_not_vanish_at_the_ends_is_refused():
    with pytest.raises(ValueError, match="does not vanish"):
        bump(torch.zeros(3), 2, 2)


@pytest.mark.parametrize("points", [gauss(32), gauss(32).flip(0), torch.linspace(0, 1, 32, dtype=torch.float64)])
def test_quadrature_on_any_smooth_grid(points):
    s = (points - 0.5) / 0.45
    exact = 0.45 * 2**13 * math.factorial(6) ** 2 / math.factorial(13)  # ∫ (1 - s²)⁶ ds, times the half width
    assert float((bump(s, 6, 0) * quadrature(points)).sum()) == pytest.approx(exact, rel=1e-3)


@pytest.mark.parametrize("period", [None, 2 * math.pi])
def test_integration_by_parts(period):
    """``∫ f φ' = -∫ f' φ``, around a periodic axis and inside one with ends; wrong weights or supports break it."""
    x = 2 * math.pi * torch.arange(48, dtype=torch.float64) / 48
    bumps = Bumps(x, 1.5, 6, period)
    f, slope = torch.sin(2 * x + 0.3) + torch.cos(x), 2 * torch.cos(2 * x + 0.3) - torch.sin(x)
    torch.testing.assert_close(bumps.matrix(1) @ f, -bumps.matrix(0) @ slope, rtol=1e-3, atol=1e-4)
    if period is None:
        assert (bumps.centres - 1.5).min() >= x[0] - 1e-9 and (bumps.centres + 1.5).max() <= x[-1] + 1e-9


def test_weak_integrals_are_sums_over_all_axes():
    x = torch.linspace(0, 1, 24, dtype=torch.float64)
    weak = WeakForm(6, 0.1, [x, x], [None, None], Boxes())
    field = torch.rand(2, 6, 24, 24, generator=torch.Generator().manual_seed(0))
    t, h, w = (axis.matrix(order) for axis, order in zip(weak.axes, (1, 0, 2), strict=True))
    expected = torch.einsum("at,bh,cw,nthw->nabc", t, h, w, field.double()).flatten(1)
    torch.testing.assert_close(weak(field, (1, 0, 2)), expected)
    both = weak(field, (1, 0, 2)) + weak(field, (0, 2, 0))
    torch.testing.assert_close(weak(field, (1, 0, 2), (0, 2, 0)), both)


def test_too_few_frames():
    x = torch.linspace(0, 1, 24, dtype=torch.float64)
    with pytest.raises(PhysrepError, match="at least 4 frames"):
        WeakForm(3, 0.1, [x, x], [None, None])

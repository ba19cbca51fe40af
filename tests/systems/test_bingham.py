"""The Bingham closure against direct integration over angles."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.systems.active_matter.bingham import BinghamClosure, bingham_moments, concentration_parameter


def quadrature(kappa: torch.Tensor, order: int) -> torch.Tensor:
    """I_m(κ)/I₀(κ) = ⟨cos mφ⟩ under exp(κ cos φ), by the trapezoidal rule, which is exact to rounding here."""
    phi = 2 * math.pi * torch.arange(2048, dtype=torch.float64) / 2048
    weight = torch.exp(kappa[:, None] * (torch.cos(phi) - 1))
    return (weight * torch.cos(order * phi)).sum(1) / weight.sum(1)


KAPPA = torch.logspace(-3, 3.5, 400, dtype=torch.float64)


def test_concentration_parameter_inverts_the_degree_of_order():
    order = quadrature(KAPPA, 1)
    assert float((quadrature(concentration_parameter(order), 1) - order).abs().max()) < 1e-14
    torch.testing.assert_close(concentration_parameter(order[:300]), KAPPA[:300], rtol=1e-9, atol=0)
    assert float(concentration_parameter(torch.zeros(1))[0]) == 0


def test_closure_is_the_integral_over_angles():
    q = quadrature(KAPPA, 1) ** 2
    exact = quadrature(KAPPA, 2) / q
    sharp = q > 1e-3  # below, the quotient of the sums loses digits
    assert float((BinghamClosure()(q) - exact).abs()[sharp].max()) < 1e-10
    assert float((BinghamClosure(torch.float32)(q.float()) - exact)[sharp].abs().max()) < 3e-7


def test_limits_and_slopes():
    """h = 1/2 + q/6 at isotropy, h = q at perfect order; beyond the ends it stays."""
    h = BinghamClosure()
    ends = h(torch.tensor([0.0, 1.0, -0.1, 1.3], dtype=torch.float64))
    torch.testing.assert_close(ends, torch.tensor([0.5, 1.0, 0.5, 1.0], dtype=torch.float64), rtol=0, atol=1e-15)
    step = 1e-4
    near = h(torch.tensor([step, 1 - step], dtype=torch.float64))
    assert float(near[0] - 0.5) / step == pytest.approx(1 / 6, rel=1e-3)
    assert float(1 - near[1]) / step == pytest.approx(1, rel=1e-3)
    assert math.isnan(float(h(torch.tensor([math.nan]))[0]))


def test_closure_is_smooth():
    """No jump of the slope between intervals of the table: second differences are those of a smooth function."""
    q = torch.linspace(0, 1, 20001, dtype=torch.float64)
    curvature = BinghamClosure()(q).diff().diff() * 20000**2
    assert float(curvature.abs().max()) < 5
    assert float(BinghamClosure()(q).diff().min()) > 0


def test_moments_of_high_order():
    kappa = torch.tensor([0.01, 0.7, 5.0, 60.0, 900.0], dtype=torch.float64)
    axis = torch.polar(torch.ones(5, dtype=torch.float64), torch.tensor([0.3, -2.0, 1.0, 3.0, -0.5]).double())
    moments = bingham_moments(quadrature(kappa, 1) * axis, 24)
    assert moments.shape == (24, 5)
    for m in range(1, 25):
        expected = quadrature(kappa, m) * axis**m
        torch.testing.assert_close(moments[m - 1], expected, rtol=1e-8, atol=1e-13)
    torch.testing.assert_close(moments[1], BinghamClosure()(moments[0].abs() ** 2) * moments[0] ** 2)
    assert float(bingham_moments(torch.zeros(1), 3).abs().max()) == 0
    assert torch.isfinite(bingham_moments(torch.tensor([1.2]), 3).abs()).all()

"""Right-hand sides and their integration, against exact solutions."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from physrep.nn.integrate import FIXED_STEP, integrate
from physrep.nn.modulated_operator import ModulatedOperator
from physrep.nn.planes import pad_plane, wall_masks


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("heun3", 3), ("rk4", 4)])
def test_order_of_convergence_on_a_linear_operator(method, order):
    rotation = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
    start = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    exact = torch.stack([torch.tensor([[math.cos(t), math.sin(t)]], dtype=torch.float64) for t in (1.0, 2.0)])
    errors = [
        float((integrate(lambda u: u @ rotation, start, 2, method, steps) - exact).abs().max()) for steps in (8, 16)
    ]
    assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.2)
    assert set(FIXED_STEP) >= {method}


def test_diffusion_as_the_operator_gives_the_heat_solution():
    n, kappa = 16, 0.3
    x = torch.arange(n, dtype=torch.float64) * 2 * math.pi / n
    start = (torch.sin(x)[:, None] * torch.cos(2 * x)[None]).view(1, 1, n, n)
    stencil = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], dtype=torch.float64).view(1, 1, 3, 3)

    def laplacian(u):
        return kappa * F.conv2d(pad_plane(u, 1, (True, True)), stencil)

    # The mode is an eigenvector of the stencil.
    rate = kappa * (2 * math.cos(2 * math.pi / n) + 2 * math.cos(4 * math.pi / n) - 4)
    ends = integrate(laplacian, start, 3, "rk4", 4)
    for t in (1, 2, 3):
        torch.testing.assert_close(ends[t - 1], start * math.exp(rate * t), rtol=1e-6, atol=1e-8)


def operator(channels: int = 2, **options):
    torch.manual_seed(0)
    model = ModulatedOperator(channels, 8, **options)
    return model, torch.randn(3, channels, 8, 12), 0.3 * torch.randn(3, model.modulation_dim)


@pytest.mark.parametrize("levels", [0, 1, 2])
def test_samples_have_their_own_operator(levels):
    model, u, modulation = operator(levels=levels)
    together = model(u, modulation, (True, False))
    alone = torch.cat([model(u[i : i + 1], modulation[i : i + 1], (True, False)) for i in range(3)])
    torch.testing.assert_close(together, alone)
    assert not torch.allclose(model(u, modulation.flip(0), (True, False)), together)


@pytest.mark.parametrize("levels", [0, 1])
def test_shifts_along_periodic_axes_shift_the_output(levels):
    model, u, modulation = operator(levels=levels)
    for periodic in ((True, True), (True, False)):
        moved = model(u.roll(4, 2), modulation, periodic)
        torch.testing.assert_close(moved, model(u, modulation, periodic).roll(4, 2))
    moved = model(u.roll(4, 3), modulation, (True, False))
    assert not torch.allclose(moved, model(u, modulation, (True, False)).roll(4, 3))


def test_a_modulation_scales_channels_of_the_kernel():
    """One level: f(u; a, b) has the weights (1 + a) K and the bias b."""
    model, u, modulation = operator(levels=0)
    scale, shift = modulation[:1].chunk(2, dim=1)
    weight = model.convs[0].weight * (1 + scale.view(-1, 1, 1, 1))
    x = torch.cat([u[:1], wall_masks((8, 12), (False, True), u).unsqueeze(0)], 1)
    hidden = F.gelu(F.conv2d(pad_plane(x, 1, (False, True)), weight, shift[0]))
    torch.testing.assert_close(
        model(u[:1], modulation[:1], (False, True)), model.out(pad_plane(hidden, 1, (False, True)))
    )


def test_planes_by_hand():
    x = torch.arange(6.0).view(1, 1, 2, 3)
    padded = pad_plane(x, 1, (True, False))[0, 0]
    assert padded[:, 1].tolist() == [3, 0, 3, 0] and padded[1].tolist() == [0, 0, 1, 2, 2]
    assert pad_plane(x, 1, (True, False), "reflect")[0, 0, 1].tolist() == [1, 0, 1, 2, 1]
    for points in ((4, 5), (3, 4, 5)):
        x, width = torch.randn(2, 3, *points, dtype=torch.double, requires_grad=True), 2
        padded, reference = pad_plane(x, width, (True,) * len(points)), F.pad(x, (width,) * 2 * len(points), "circular")
        assert torch.equal(padded, reference)
        along = torch.randn_like(padded)
        for found, expected in zip(*(torch.autograd.grad(y, x, along) for y in (padded, reference)), strict=True):
            torch.testing.assert_close(found, expected)
    masks = wall_masks((3, 2), (False, True), x)
    assert masks.tolist() == [[[1, 1], [0, 0], [1, 1]], [[0, 0]] * 3]

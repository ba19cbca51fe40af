"""Shear flow: order in time, spectral accuracy in space, exact invariants, budgets, precision."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from physrep.systems import SYSTEMS
from tests.helpers.shear_flow_cases import derivative, error, frame, integral, mean, run


def at(resolution, **options):
    return run(200.0, 1.0, seeds=(3,), resolution=resolution, **options)


def test_fourth_order_in_time():
    """Halving the step divides the error by 2⁴."""
    steps = (0.04, 0.02, 0.01)
    kwargs = {"resolution": (24, 48), "frames": 2, "save_dt": 0.8}
    exact = at(max_dt=0.0025, **kwargs).fields
    for name in ("tracer", "velocity", "pressure"):
        errors = [error(at(max_dt=dt, **kwargs).fields[name][:, -1], exact[name][:, -1]) for dt in steps]
        orders = [math.log2(a / b) for a, b in itertools.pairwise(errors)]
        assert all(3.7 < order < 4.4 for order in orders), (name, errors)


def test_spectral_convergence_in_space():
    """On a smooth start the error falls faster than any power: by over 30 each time the grid grows by half."""
    sizes, finest = ((16, 32), (24, 48), (36, 72)), (72, 144)
    start = at(sizes[0], frames=1)
    initial = {name: start.fields[name][:, 0] for name in ("tracer", "velocity")}
    results = [
        run(200.0, 1.0, initial=initial, resolution=size, frames=2, save_dt=1.0, max_dt=0.01)
        for size in (*sizes, finest)
    ]
    fields = [resampled(result.fields["tracer"][:, -1], sizes[0]) for result in results]
    errors = [error(field, fields[-1]) for field in fields[:-1]]
    assert errors[1] < errors[0] / 30 and errors[2] < errors[1] / 30, errors


def resampled(field, shape):
    """Lowest modes of a periodic field on a coarse grid, so that grids can be compared without interpolation."""
    half = [(n - 1) // 3 for n in shape]
    modes = torch.fft.fft2(field, norm="forward")
    rows = [*range(half[0] + 1), *range(-half[0], 0)]
    columns = [*range(half[1] + 1), *range(-half[1], 0)]
    return torch.view_as_real(modes[..., rows, :][..., columns].contiguous())


@pytest.mark.parametrize("family", SYSTEMS["shear_flow"].initial_conditions)
def test_divergence_free_and_tracer_mean_kept(family):
    result = run([300.0, 1000.0], [0.3, 2.0], seeds=(0, 1), initial_condition=family, resolution=(32, 64), frames=6)
    u, w = result.fields["velocity"].unbind(-1)
    divergence = derivative(u, "x") + derivative(w, "y")
    shear = derivative(u, "y").abs().max()
    assert float(divergence.abs().max() / shear) <= 1e-12
    for conserved in (result.fields["tracer"], u, w):
        average = mean(conserved)
        assert float((average - average[:, :1]).abs().max()) <= 1e-14
    assert float(mean(result.fields["pressure"]).abs().max()) <= 1e-14


def test_budgets_of_energy_and_tracer_variance_close():
    """dE/dt = -2ν·(½<ω²>) with E = ½<|u|²>, and d<s'²>/dt = -2D<|∇s|²>."""
    dt, reynolds, schmidt = 0.01, torch.tensor([150.0, 400.0]), torch.tensor([0.5, 2.0])
    # The fastest decay of the start, much faster than dt, would spoil the quadrature: begin a little later.
    start = run(reynolds, schmidt, seeds=(1, 2), resolution=(32, 64), frames=2, save_dt=0.3)
    result = run(reynolds, schmidt, initial=frame(start, 1), resolution=(32, 64), frames=81, save_dt=dt, max_dt=0.005)
    u, w = result.fields["velocity"].unbind(-1)
    s = result.fields["tracer"]
    energy = mean(u**2 + w**2) / 2
    enstrophy = mean((derivative(w, "x") - derivative(u, "y")) ** 2) / 2
    variance = mean(s**2) - mean(s) ** 2
    gradient = mean(derivative(s, "x") ** 2 + derivative(s, "y") ** 2)
    assert float((mean(u)[:, 0].abs() + mean(w)[:, 0].abs()).min()) > 0.05, "a mean flow is part of the test"
    for stock, sink in (
        (energy, 2 / reynolds * integral(enstrophy, dt)),
        (variance, 2 / (reynolds * schmidt) * integral(gradient, dt)),
    ):
        lost = stock[:, 0] - stock[:, -1]
        assert float(lost.min()) > 1e-3 * float(stock[:, 0].min())
        assert float(((lost - sink) / lost).abs().max()) < 1e-7


def test_float32_is_close_to_float64():
    fields = {}
    for dtype in (torch.float32, torch.float64):
        result = run([200.0, 500.0], 1.0, seeds=(0, 1), resolution=(32, 64), frames=21, max_dt=0.02, dtype=dtype)
        assert all(value.dtype == dtype for value in result.fields.values())
        fields[dtype] = result.fields
    for name, value in fields[torch.float32].items():
        assert error(value[:, -1].double(), fields[torch.float64][name][:, -1]) < 3e-5, name


def test_the_courant_step_is_accurate():
    """The step that the solver chooses itself changes a resolved run by less than the grid does."""
    kwargs = {"resolution": (64, 128), "frames": 6, "seeds": (0, 5)}
    own, fine = run(400.0, 1.0, **kwargs), run(400.0, 1.0, max_dt=0.0025, **kwargs)
    assert error(own.fields["tracer"][:, -1], fine.fields["tracer"][:, -1]) < 2e-4
    assert error(own.fields["velocity"][:, -1], fine.fields["velocity"][:, -1]) < 2e-5

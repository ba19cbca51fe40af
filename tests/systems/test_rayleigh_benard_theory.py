"""Rayleigh-Bénard convection against theory: onset, steady rolls, budgets, the equations on stored frames."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.systems.grids.chebyshev import gauss
from tests.helpers.rayleigh_benard_cases import (
    BUOYANCY,
    CONVECTION,
    ONSET,
    ROLL,
    ZERO,
    Calculus,
    columns,
    error,
    frame,
    frames_of,
    heat_fluxes,
    integral,
    rate,
    roll_box,
    run,
)

RAYLEIGH, PRANDTL = torch.tensor([5e3, 1e4], dtype=torch.float64), torch.tensor([0.5, 2.0], dtype=torch.float64)
VISCOSITY, DIFFUSIVITY = (PRANDTL / RAYLEIGH).sqrt(), 1 / (RAYLEIGH * PRANDTL).sqrt()
GRID = (48, 28)


def onset(shape, max_dt) -> float:
    """Ra where the growth rate of the critical roll passes zero, interpolated between 1706 and 1710."""
    amplitude = frames_of(roll_box([1706.0, 1710.0], 1e-6, shape, max_dt=max_dt), 31, 1.0)["velocity"][..., 1]
    size = amplitude.flatten(2).norm(dim=2).log()
    below, above = ((size[:, -1] - size[:, 15]) / 15).tolist()
    assert below < 0 < above
    return 1706 + 4 * below / (below - above)


def test_onset_of_convection():
    """The critical Rayleigh number of rigid walls, 1707.762 at wavenumber 3.117 (Chandrasekhar 1961)."""
    assert onset((8, 16), 0.05) == pytest.approx(ONSET, rel=1e-5)


@pytest.mark.slow
def test_onset_of_convection_full_size():
    assert onset((32, 32), 0.02) == pytest.approx(ONSET, rel=2e-6)


def check_rolls(rayleigh, expected, shape, time, tolerance):
    fields = frames_of(roll_box(rayleigh, 0.3, shape), 2, time)
    kappa = 1 / (0.71 * torch.tensor(rayleigh, dtype=torch.float64)).sqrt()
    fluxes = torch.stack(heat_fluxes({k: v[:, -1] for k, v in fields.items()}, kappa, Calculus(gauss(shape[1]), ROLL)))
    assert float((fluxes / torch.tensor(expected) - 1).abs().max()) < tolerance, fluxes
    assert float((fluxes[1:] / fluxes[0] - 1).abs().max()) < 1e-4, "walls and bulk carry the same heat"


def test_heat_flux_of_steady_rolls():
    """Nu in a box of one critical wavelength, Pr 0.71, in the bulk and at both walls."""
    check_rolls([5e3, 1e4], [2.110, 2.653], (16, 20), 45.0, 1e-3)


@pytest.mark.slow
def test_heat_flux_of_steady_rolls_full_size():
    check_rolls([5e3, 1e4, 3e4], [2.110, 2.653, 3.620], (64, 32), 80.0, 5e-4)


@pytest.fixture(scope="module")
def developed():
    """A resolved flow with plumes and a mean flow, after the fastest decay of the start."""
    return frame(run(RAYLEIGH, PRANDTL, seeds=(1, 4), resolution=GRID, frames=2, save_dt=3.0), 1)


def test_budgets_of_kinetic_energy_and_heat_close(developed):
    """dE/dt = <u_y b> - ν<|∇u|²> with E = ½<|u|²>, and d<b>/dt = what the walls let in and out."""
    dt = 0.01
    fields = run(RAYLEIGH, PRANDTL, initial=developed, resolution=GRID, frames=41, save_dt=dt, max_dt=0.005).fields
    c, b = Calculus(gauss(GRID[1])), fields["buoyancy"]
    u, w = fields["velocity"].unbind(-1)
    assert float(u.mean((2, 3)).abs().min()) > 1e-3, "a mean flow is part of the test"
    energy = sum(c.mean((v, ZERO), (v, ZERO)) for v in (u, w)) / 2
    gradients = (c.d_dx(u), c.d_dy(u, ZERO), c.d_dx(w), c.d_dy(w, ZERO))
    dissipation = VISCOSITY[:, None] * sum(c.mean((g, None), (g, None)) for g in gradients)
    work = c.mean((w, ZERO), (b, BUOYANCY))
    gained = energy[:, -1] - energy[:, 0] - integral(work - dissipation, dt)
    assert float((gained / integral(dissipation, dt)).abs().max()) < 1e-6
    heat, kappa = c.mean((b, BUOYANCY)), DIFFUSIVITY[:, None]
    _, hot, cold = heat_fluxes(fields, kappa, c)
    gained = heat[:, -1] - heat[:, 0] - integral(kappa * (hot - cold), dt)
    assert float((gained / integral(kappa * hot, dt)).abs().max()) < 1e-6


def test_stored_frames_satisfy_the_equations(developed):
    """Momentum (so the pressure as well), buoyancy and ∇·u = 0, in the modes along x that the grid keeps."""
    dt = 0.01
    fields = run(RAYLEIGH, PRANDTL, initial=developed, resolution=GRID, frames=9, save_dt=dt, max_dt=0.0025).fields
    c, b, p = Calculus(gauss(GRID[1])), fields["buoyancy"], fields["pressure"]
    u, w = fields["velocity"].unbind(-1)

    def residual(field, walls, viscosity, force):
        advection = u * c.d_dx(field) + w * c.d_dy(field, walls)
        laplacian = c.d_dx(field, 2) + c.d_dy(field, walls, 2)
        terms = rate(field, dt) + (advection + force - viscosity.view(-1, 1, 1, 1) * laplacian)[:, 2:-2]
        # The modes above the 2/3 cut are not solved for; products reach into them.
        return torch.fft.rfft(terms, dim=2, norm="ortho")[:, :, : GRID[0] // 3] * math.sqrt(2)

    p_x, p_y = c.d_dx(p), c.d_dy(p, None)
    for component, force, scale in ((u, p_x, p_x), (w, p_y - b, p_y - p_y.mean(2, keepdim=True))):
        left = residual(component, ZERO, VISCOSITY, force)
        assert float(left.norm() / scale[:, 2:-2].norm()) < 3e-5
    assert float(residual(b, BUOYANCY, DIFFUSIVITY, 0.0).norm() / rate(b, dt).norm()) < 3e-5
    divergence = c.d_dx(u) + c.d_dy(w, ZERO)
    assert float(divergence.abs().max() / c.d_dy(u, ZERO).abs().max()) < 1e-12
    assert float(c.mean((p, None)).abs().max()) < 1e-9


def test_conduction_and_mean_flow_decay_as_they_must():
    """Without motion along y: b = 1 - y + a e^{-κπ²t} sin πy, U = c e^{-4νπ²t} sin 2πy, p hydrostatic."""
    y = gauss(16)
    b = 1 - y + 0.3 * torch.sin(math.pi * y)
    u = 0.2 * torch.sin(2 * math.pi * y)
    initial = {
        "buoyancy": b.expand(2, 16, 16).clone(),
        "velocity": torch.stack([u, torch.zeros_like(u)], -1).expand(2, 16, 16, 2).clone(),
    }
    fields = run(RAYLEIGH, PRANDTL, initial=initial, resolution=(16, 16), frames=5, max_dt=0.02).fields
    t = 0.5 * torch.arange(5, dtype=torch.float64)[:, None, None]
    warm = 0.3 * torch.exp(-DIFFUSIVITY.view(2, 1, 1, 1) * math.pi**2 * t)
    flow = 0.2 * torch.exp(-VISCOSITY.view(2, 1, 1, 1) * 4 * math.pi**2 * t)
    assert error(fields["buoyancy"], (1 - y + warm * torch.sin(math.pi * y)).expand(-1, -1, 16, -1)) < 1e-6
    assert error(fields["velocity"][..., 0], (flow * torch.sin(2 * math.pi * y)).expand(-1, -1, 16, -1)) < 1e-6
    hydrostatic = y - y**2 / 2 - 1 / 3 - warm * torch.cos(math.pi * y) / math.pi
    assert error(fields["pressure"], hydrostatic.expand(-1, -1, 16, -1)) < 1e-6
    assert float(fields["velocity"][..., 1].abs().max()) < 1e-12


def test_velocity_vanishes_at_the_walls():
    """Slip and flow through the walls after many steps, relative to the largest speed."""
    from physrep.systems.solver import Setup

    setup = Setup((48, 24), "diverse", dtype=torch.float64)
    solver = CONVECTION.solver(columns([1e4, 1e5], [0.3, 3.0], 2), [1, 2], None, setup)
    solver.advance(3.0)
    psi, u, theta = solver.frame_maker.nodal(solver.state)
    for field in (psi, u, theta):
        assert float(field[..., [0, -1]].abs().max() / field.abs().max()) < 1e-12

"""What holds for every linear system: exact composition, budgets, precision, batches, restarts, other grids."""

from __future__ import annotations

import math

import pytest
import torch

from tests.helpers.linear_cases import ADVECTION, ALL, FIXED, HEAT, WAVE, error, middle, run

SHAPE = (24, 20)


def noise(system, count=2, shape=SHAPE):
    """White noise in every field: all modes of the grid, Nyquist included."""
    generator = torch.Generator().manual_seed(3)
    return {
        name: torch.randn(count, *shape, dtype=torch.float64, generator=generator) for name in system.initial_fields
    }


@pytest.mark.parametrize("system", ALL, ids=lambda s: s.name)
def test_two_steps_are_one_and_a_restart_is_exact(system):
    parameters, initial = middle(system, 2), noise(system)
    options = {"resolution": SHAPE, "dtype": torch.float64}
    fine = system.simulate(parameters, [0, 0], initial=initial, frames=5, save_dt=0.1, **options)
    coarse = system.simulate(parameters, [0, 0], initial=initial, frames=3, save_dt=0.2, **options)
    frame = {name: fine.fields[name][:, 2] for name in system.initial_fields}
    rest = system.simulate(parameters, [0, 0], initial=frame, frames=3, save_dt=0.1, **options)
    for name, value in fine.fields.items():
        torch.testing.assert_close(coarse.fields[name], value[:, ::2], rtol=0, atol=1e-12)
        torch.testing.assert_close(rest.fields[name], value[:, 2:], rtol=0, atol=1e-10)


@pytest.mark.parametrize("system", ALL, ids=lambda s: s.name)
def test_float32_is_close_to_float64(system):
    runs = [system.simulate(middle(system, 3), [1, 2, 3], dtype=dtype) for dtype in (torch.float32, torch.float64)]
    for name, value in runs[1].fields.items():
        assert runs[0].fields[name].dtype == torch.float32
        assert error(runs[0].fields[name].double(), value) < 3e-7, name


@pytest.mark.parametrize("system", ALL, ids=lambda s: s.name)
def test_a_trajectory_does_not_depend_on_its_batch(system):
    parameters = middle(system, 4)
    together = system.simulate(parameters, [1, 2, 3, 4], frames=6)
    alone = system.simulate({name: value[2:3] for name, value in parameters.items()}, [3], frames=6)
    for name, value in together.fields.items():
        torch.testing.assert_close(alone.fields[name][0], value[2], rtol=0, atol=1e-6 * float(value[2].abs().max()))


@pytest.mark.parametrize("system", [HEAT, ADVECTION], ids=lambda s: s.name)
def test_the_mean_is_conserved(system):
    result = system.simulate(middle(system, 2), [0, 0], initial=noise(system), resolution=SHAPE, dtype=torch.float64)
    mean = result.fields[system.fields[0].name].mean((2, 3))
    assert float((mean - mean[:, :1]).abs().max()) < 1e-14


@pytest.mark.parametrize("system", [HEAT, FIXED], ids=lambda s: s.name)
def test_extremes_only_shrink(system):
    """The maximum principle, on blobs that the grid resolves."""
    result = run(system, {"diffusivity": [1e-3, 1e-2]}, seeds=(4, 5), initial_condition="blobs", resolution=(96, 96))
    values = result.fields["temperature"].flatten(2)
    assert bool((values.amax(2).diff(dim=1) < 1e-12).all()) and float(values.min()) > -1e-4
    assert float((values.amax(2)[:, -1] / values.amax(2)[:, 0]).max()) < 0.95


@pytest.mark.parametrize("system", [HEAT, ADVECTION], ids=lambda s: s.name)
def test_variance_falls_as_diffusion_says(system):
    """d/dt ⟨c²⟩ = -2κ ⟨|∇c|²⟩ by central differences in time; advection must not appear in it."""
    parameters = middle(system, 2)
    result = system.simulate(parameters, [7, 8], save_dt=1e-3, frames=9, resolution=(64, 64), dtype=torch.float64)
    c = result.fields[system.fields[0].name]
    f = c.square().mean((2, 3))
    rate = (f[:, :-4] - 8 * f[:, 1:-3] + 8 * f[:, 3:-1] - f[:, 4:]) / 12e-3
    loss = -2 * parameters["diffusivity"][:, None] * gradient_energy(c[:, 2:-2])
    torch.testing.assert_close(rate, loss, rtol=1e-5, atol=0)


def gradient_energy(field):
    """⟨|∇f|²⟩ of periodic fields of the unit box, with a full FFT."""
    n = field.shape[-1]
    k = 2 * math.pi * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    power = torch.fft.fft2(field, norm="forward").abs().square()
    return (power * (k[:, None] ** 2 + k[None, :] ** 2)).sum((-1, -2))


def test_a_wave_loses_the_energy_that_damping_takes():
    """E = ½⟨w² + c²|∇u|²⟩ falls at the rate γ⟨w²⟩."""
    parameters = middle(WAVE, 3)
    result = WAVE.simulate(
        parameters, [7, 8, 9], save_dt=5e-5, frames=9, initial_condition="diverse_moving", dtype=torch.float64
    )
    u, w = result.fields["displacement"], result.fields["displacement_rate"]
    kinetic = w.square().mean((2, 3))
    e = (kinetic + parameters["wave_speed"][:, None] ** 2 * gradient_energy(u)) / 2
    rate = (e[:, :-4] - 8 * e[:, 1:-3] + 8 * e[:, 3:-1] - e[:, 4:]) / (12 * 5e-5)
    torch.testing.assert_close(rate, -parameters["damping"][:, None] * kinetic[:, 2:-2], rtol=1e-5, atol=1e-6)


def test_the_stored_rate_is_the_derivative_of_the_displacement():
    result = WAVE.simulate(middle(WAVE, 2), [7, 8], save_dt=1e-4, frames=5, dtype=torch.float64)
    u = result.fields["displacement"]
    rate = (u[:, 0] - 8 * u[:, 1] + 8 * u[:, 3] - u[:, 4]) / 12e-4
    assert error(rate, result.fields["displacement_rate"][:, 2]) < 1e-6


def test_fields_with_nyquist_modes_stay_real_and_bounded_under_advection():
    """The checkerboard diffuses and does not move; a mode that is Nyquist along x alone moves along y alone."""
    n = 8
    i = torch.arange(n, dtype=torch.float64)
    board = ((-1.0) ** (i[:, None] + i[None, :]))[None]
    parameters = {"velocity_x": 0.37, "velocity_y": -0.2, "diffusivity": 1e-3}
    result = run(ADVECTION, parameters, initial={"concentration": board}, resolution=(n, n), frames=3, save_dt=0.5)
    k2 = 2 * (math.pi * n) ** 2
    torch.testing.assert_close(
        result.fields["concentration"][0, 2], board[0] * math.exp(-1e-3 * k2), rtol=0, atol=1e-14
    )
    stripes = ((-1.0) ** i[:, None] * torch.cos(2 * math.pi * i[None, :] / n))[None]
    result = run(ADVECTION, parameters, initial={"concentration": stripes}, resolution=(n, n), frames=2, save_dt=1.0)
    k2 = (math.pi * n) ** 2 + (2 * math.pi) ** 2
    moved = (-1.0) ** i[:, None] * torch.cos(2 * math.pi * (i[None, :] / n + 0.2)) * math.exp(-1e-3 * k2)
    torch.testing.assert_close(result.fields["concentration"][0, 1], moved, rtol=0, atol=1e-13)


@pytest.mark.parametrize("system", ALL, ids=lambda s: s.name)
def test_a_start_on_another_grid_is_the_same_field(system):
    """Given on 32 x 32 and integrated on 64 x 48: equal to the run on 32 x 32 where the grids meet."""
    parameters = middle(system, 1)
    generator = torch.Generator().manual_seed(5)
    coarse = {}
    for name in system.initial_fields:  # modes that both grids hold
        field = torch.zeros(32, 32, dtype=torch.float64)
        x, y = torch.meshgrid(*system.grid((32, 32)).values(), indexing="ij")
        for m in range(1, 4):
            a, b = torch.randn(2, generator=generator, dtype=torch.float64).tolist()
            field += a * torch.sin(2 * math.pi * m * x) * torch.sin(4 * math.pi * y)
            field += b * torch.sin(2 * math.pi * x) * torch.sin(2 * math.pi * m * y)
        coarse[name] = field[None]
    options = {"initial": coarse, "frames": 2, "save_dt": 0.3, "dtype": torch.float64}
    same = system.simulate(parameters, [0], resolution=(32, 32), **options)
    finer = system.simulate(parameters, [0], resolution=(96, 96), **options)
    offset = 1 if system is FIXED else 0  # middles of cells meet in the middle one of three
    for name, value in same.fields.items():
        torch.testing.assert_close(finer.fields[name][..., offset::3, offset::3], value, rtol=0, atol=1e-12)
    back = system.simulate(
        parameters,
        [0],
        resolution=(32, 32),
        frames=1,
        dtype=torch.float64,
        initial={name: value[:, 1] for name, value in finer.fields.items()},
    )
    for name, value in same.fields.items():
        torch.testing.assert_close(back.fields[name][:, 0], value[:, 1], rtol=0, atol=1e-12)


def test_a_start_that_overflows_ends_its_own_trajectory_only():
    start = torch.ones(2, 16, 16, dtype=torch.float64)
    start[0] = 1e38
    values = {"diffusivity": torch.full((2,), 1e-3, dtype=torch.float64)}
    start[0, 0, 0] = 1e300
    result = HEAT.simulate(values, [0, 0], initial={"temperature": start}, resolution=(16, 16), frames=3)
    assert list(result.failed) == [0] and "not finite" in result.failed[0]
    assert torch.isnan(result.fields["temperature"][0]).all() and torch.isfinite(result.fields["temperature"][1]).all()

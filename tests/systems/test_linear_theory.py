"""Heat, advection-diffusion and damped waves against analytic solutions."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.systems.linear.solver import damped_oscillation
from tests.helpers.linear_cases import ADVECTION, FIXED, HEAT, WAVE, error, gaussian, points, run, shift

PI2 = 2 * math.pi


def test_a_gaussian_spreads_on_the_periodic_box():
    x, y = points(HEAT, (64, 48))
    width, kappa = 0.05, 0.02
    start = gaussian(x, y, (0.9, 0.3), width**2, width**2)
    result = run(HEAT, {"diffusivity": kappa}, initial={"temperature": start[None]}, resolution=(64, 48), frames=4)
    for frame, t in enumerate(result.time.tolist()):
        exact = gaussian(x, y, (0.9, 0.3), width**2 + 2 * kappa * t, width**2)
        assert error(result.fields["temperature"][0, frame], exact) < 1e-7  # 48 points cut 1e-10 of the start


def test_a_gaussian_travels_and_spreads_at_any_real_velocity():
    x, y = points(ADVECTION, (64, 64))
    width, kappa, vx, vy = 0.05, 0.005, 0.731, -1.318
    start = gaussian(x, y, (0.6, 0.2), width**2, width**2)
    parameters = {"velocity_x": vx, "velocity_y": vy, "diffusivity": kappa}
    result = run(ADVECTION, parameters, initial={"concentration": start[None]}, resolution=(64, 64), save_dt=0.37)
    for frame in (1, 2, 5):
        t = 0.37 * frame
        centre = ((0.6 + vx * t) % 1, (0.2 + vy * t) % 1)
        exact = gaussian(x, y, centre, width**2 + 2 * kappa * t, width**2)
        assert error(result.fields["concentration"][0, frame], exact) < 1e-9


def test_advection_alone_is_a_shift_of_the_trigonometric_interpolant():
    field = torch.randn(2, 33, 33, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    parameters = {"velocity_x": [0.3, -0.8], "velocity_y": [1.7, 0.1], "diffusivity": 1e-300}
    result = run(ADVECTION, parameters, initial={"concentration": field}, resolution=(33, 33), frames=2, save_dt=0.61)
    for row, (vx, vy) in enumerate(((0.3, 1.7), (-0.8, 0.1))):
        exact = shift(field[row], (0.61 * vx, 0.61 * vy))
        torch.testing.assert_close(result.fields["concentration"][row, 1], exact, rtol=0, atol=1e-12)


@pytest.mark.parametrize("modes", [(1, 1), (3, 2), (1, 24)])
def test_sine_modes_decay_between_fixed_edges(modes):
    x, y = points(FIXED, (24, 24))
    field = torch.sin(math.pi * modes[0] * x) * torch.sin(math.pi * modes[1] * y)
    kappa = 0.01
    result = run(FIXED, {"diffusivity": kappa}, initial={"temperature": field[None]}, resolution=(24, 24), frames=3)
    rate = kappa * math.pi**2 * (modes[0] ** 2 + modes[1] ** 2)
    for frame, t in enumerate(result.time.tolist()):
        torch.testing.assert_close(
            result.fields["temperature"][0, frame], field * math.exp(-rate * t), rtol=0, atol=1e-13
        )


def test_fixed_edges_are_periodic_heat_of_the_odd_extension():
    """An independent route: FFTs on the box of twice the side, with a negative image behind every edge."""
    n, kappa, t = 32, 0.004, 0.6
    field = torch.randn(n, n, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    twice = torch.cat([field, -field.flip(0)], 0)
    twice = torch.cat([twice, -twice.flip(1)], 1)
    k = math.pi * torch.fft.fftfreq(2 * n, 1 / (2 * n), dtype=torch.float64)
    factor = torch.exp(-kappa * t * (k[:, None] ** 2 + k[None, :] ** 2))
    exact = torch.fft.ifft2(torch.fft.fft2(twice) * factor).real[:n, :n]
    result = run(
        FIXED, {"diffusivity": kappa}, initial={"temperature": field[None]}, resolution=(n, n), frames=2, save_dt=t
    )
    torch.testing.assert_close(result.fields["temperature"][0, 1], exact, rtol=0, atol=1e-13)


@pytest.mark.parametrize(("speed", "damping"), [(1.0, 2.0), (0.3, 9.0), (0.5, 2 * 0.5 * PI2)])
def test_a_standing_wave_follows_the_damped_oscillator(speed, damping):
    """Under-, over- and critically damped (γ = 2ck), against the textbook's three formulas, from u₀ and w₀."""
    x, _ = points(WAVE, (16, 16))
    u0, w0, k = 0.7, -1.9, PI2
    shape = torch.cos(k * x + 0.4)
    initial = {"displacement": u0 * shape[None], "displacement_rate": w0 * shape[None]}
    parameters = {"wave_speed": speed, "damping": damping}
    result = run(WAVE, parameters, initial=initial, resolution=(16, 16), frames=8, save_dt=0.21)
    t = result.time
    a, discriminant = damping / 2, (damping / 2) ** 2 - (speed * k) ** 2
    if abs(discriminant) < 1e-12:
        u = torch.exp(-a * t) * (u0 + (w0 + a * u0) * t)
        w = torch.exp(-a * t) * (w0 - a * (w0 + a * u0) * t)
    elif discriminant > 0:
        fast, slow = -a - math.sqrt(discriminant), -a + math.sqrt(discriminant)
        first, second = (w0 - slow * u0) / (fast - slow), (w0 - fast * u0) / (slow - fast)
        u = first * torch.exp(fast * t) + second * torch.exp(slow * t)
        w = fast * first * torch.exp(fast * t) + slow * second * torch.exp(slow * t)
    else:
        omega = math.sqrt(-discriminant)
        b = (w0 + a * u0) / omega
        u = torch.exp(-a * t) * (u0 * torch.cos(omega * t) + b * torch.sin(omega * t))
        w = torch.exp(-a * t) * (
            (b * omega - a * u0) * torch.cos(omega * t) - (u0 * omega + a * b) * torch.sin(omega * t)
        )
    for name, amplitude in (("displacement", u), ("displacement_rate", w)):
        exact = amplitude[:, None, None] * shape
        torch.testing.assert_close(result.fields[name][0], exact, rtol=0, atol=1e-12)


def test_a_running_wave_with_little_damping_returns_after_one_crossing():
    x, _ = points(WAVE, (64, 8))
    u = torch.exp(torch.cos(PI2 * x))
    initial = {"displacement": u[None], "displacement_rate": 0.8 * PI2 * (torch.sin(PI2 * x) * u)[None]}
    result = run(
        WAVE,
        {"wave_speed": 0.8, "damping": 1e-9},
        initial=initial,
        resolution=(64, 8),
        frames=3,
        save_dt=1 / 0.8 / 4,
    )
    # A quarter and half of a crossing: moved along +x by 16 and 32 points.
    assert error(result.fields["displacement"][0, 1], u.roll(16, 0)) < 1e-8
    assert error(result.fields["displacement"][0, 2], u.roll(32, 0)) < 1e-8


def test_the_mean_of_a_wave_moves_by_its_own_rate():
    initial = {
        name: torch.full((1, 8, 8), value, dtype=torch.float64)
        for name, value in zip(WAVE.initial_fields, (0.3, 2.0), strict=True)
    }
    result = run(WAVE, {"wave_speed": 1.0, "damping": 3.0}, initial=initial, resolution=(8, 8), frames=5, save_dt=0.4)
    t = result.time
    torch.testing.assert_close(
        result.fields["displacement"].mean((2, 3))[0], 0.3 + 2.0 * (1 - torch.exp(-3 * t)) / 3, rtol=0, atol=1e-14
    )
    torch.testing.assert_close(
        result.fields["displacement_rate"].mean((2, 3))[0], 2.0 * torch.exp(-3 * t), rtol=0, atol=1e-14
    )


def test_the_propagator_is_the_matrix_exponential_and_continuous_through_critical_damping():
    stiffness = torch.tensor([[0.0, 1.0, 4.0 - 1e-9, 4.0, 4.0 + 1e-9, 50.0, 1e4]], dtype=torch.float64)
    damping = torch.tensor([[4.0]], dtype=torch.float64)
    for t in (1e-3, 0.7, 3.0):
        propagator = damped_oscillation(stiffness, damping, t)[0].movedim(-1, 0)
        for matrix, w2 in zip(propagator, stiffness[0].tolist(), strict=True):
            exact = torch.linalg.matrix_exp(t * torch.tensor([[0.0, 1.0], [-w2, -4.0]], dtype=torch.float64))
            torch.testing.assert_close(matrix, exact, rtol=1e-11, atol=1e-13 * max(1, w2))
        assert float((propagator[2] - propagator[4]).abs().max()) < 1e-8


def test_heavy_damping_is_diffusion_and_does_not_overflow():
    """For γ ≫ 2ck a start at rest creeps with diffusivity c²/γ (textbook limit of the telegraph equation)."""
    x, _ = points(WAVE, (16, 16))
    shape = torch.cos(PI2 * x)
    initial = {"displacement": shape[None], "displacement_rate": torch.zeros(1, 16, 16, dtype=torch.float64)}
    result = run(WAVE, {"wave_speed": 1.0, "damping": 1e4}, initial=initial, resolution=(16, 16), frames=2, save_dt=50)
    exact = math.exp(-(PI2**2) / 1e4 * 50)
    assert abs(float(result.fields["displacement"][0, 1, 0, 0]) / exact - 1) < 1e-5

"""Shear flow against exact solutions, linear theory, the equations themselves and their symmetries."""

from __future__ import annotations

import math

import pytest
import torch

from tests.helpers.shear_flow_cases import (
    FLOW,
    advection,
    derivative,
    error,
    frame,
    laplacian,
    mean,
    mirror,
    points,
    rate,
    run,
)


def test_taylor_green_vortices_decay_and_travel_exactly():
    """ψ = A sin(2πx) sin(πy) is a Laplacian's eigenfunction: u ∝ exp(-νk²t), carried by the mean flow, and
    p = -½(|u|² + k²ψ²) + constant."""
    a, b, amplitude, reynolds, flow = 2 * math.pi, math.pi, 0.08, 40.0, torch.tensor([0.3, -0.2], dtype=torch.float64)
    x, y = points((16, 32))
    start = torch.stack([b * torch.sin(a * x) * torch.cos(b * y), -a * torch.cos(a * x) * torch.sin(b * y)], -1)
    initial = {"velocity": amplitude * start[None] + flow, "tracer": torch.zeros(1, 16, 32, dtype=torch.float64)}
    result = run(reynolds, 1.0, initial=initial, frames=11, max_dt=0.005, resolution=(16, 32))
    k2 = a**2 + b**2
    for index, t in enumerate(result.time.tolist()):
        psi = (
            amplitude
            * math.exp(-k2 * t / reynolds)
            * torch.sin(a * (x - flow[0] * t))
            * torch.sin(b * (y - flow[1] * t))
        )
        u, w = derivative(psi, "y"), -derivative(psi, "x")
        pressure = -(u**2 + w**2 + k2 * psi**2) / 2
        velocity, p = result.fields["velocity"][0, index], result.fields["pressure"][0, index]
        assert error(velocity - flow, torch.stack([u, w], -1)) < 1e-10
        assert error(p, pressure - mean(pressure)) < 1e-10


@pytest.mark.parametrize(("m", "n"), [(1, 0), (0, 3), (2, -1)])
def test_a_tracer_mode_without_flow_decays_exactly(m, n):
    """s = cos(k·x) decays as exp(-D k² t), D = 1 / (Re Sc)."""
    x, y = points((16, 32))
    s = torch.cos(2 * math.pi * m * x + math.pi * n * y)
    initial = {"velocity": torch.zeros(2, 16, 32, 2, dtype=torch.float64), "tracer": torch.stack([s, 2 * s])}
    result = run([50.0, 200.0], [0.5, 3.0], initial=initial, frames=6, save_dt=0.5, resolution=(16, 32))
    k2 = (2 * math.pi * m) ** 2 + (math.pi * n) ** 2
    for row, diffusivity in enumerate((1 / 25, 1 / 600)):
        expected = initial["tracer"][row] * torch.exp(-diffusivity * k2 * result.time)[:, None, None]
        torch.testing.assert_close(result.fields["tracer"][row], expected, rtol=0, atol=1e-13)


def layer_growth(delta: float, reynolds: float) -> float:
    """Growth rate of the longest wave on a pair of tanh layers, unit jump, thickness δ, between t = 1 and 2.

    Before, the perturbation is not yet the growing wave; later, viscosity has made the layer thicker.
    """
    resolution = (16, 128)
    x, y = points(resolution)
    u = sum(
        sign / 2 * torch.tanh((y - centre) / delta) for centre, sign in ((-1.5, 1), (-0.5, -1), (0.5, 1), (1.5, -1))
    )
    w = 1e-7 * torch.sin(2 * math.pi * x) * torch.exp(-((y.abs() - 0.5) ** 2) / delta**2)
    initial = {"velocity": torch.stack([u, w], -1)[None], "tracer": torch.zeros_like(u)[None]}
    result = run(reynolds, 1.0, initial=initial, resolution=resolution, frames=3, save_dt=1.0, max_dt=0.02)
    rms = result.fields["velocity"][0, ..., 1].square().mean((-1, -2)).sqrt()
    return float(torch.log(rms[2] / rms[1]))


def test_tanh_layer_grows_as_michalke_found():
    """The most unstable wave of U = ½ΔU tanh(y/δ) has kδ = 0.4449 and σ = 0.1897·(ΔU/2)/δ (Michalke 1964)."""
    delta = 0.4449 / (2 * math.pi)
    theory = 0.1897 * 0.5 / delta
    assert theory == pytest.approx(1.340, abs=1e-3)
    measured = layer_growth(delta, 1e5)
    assert measured == pytest.approx(theory, rel=5e-3)
    assert 0.93 * theory < layer_growth(delta, 1e4) < 0.97 * theory, "viscosity slows the growth"


def test_a_thick_layer_is_stable():
    """kδ > 1 is stable: a perturbation of the longest wave does not grow."""
    assert layer_growth(1.1 / (2 * math.pi), 1e4) < 0.05


@pytest.fixture(scope="module")
def fine():
    """A resolved run saved finely, after the start has smoothed: (result, Re, Sc, dt)."""
    reynolds, schmidt, dt = torch.tensor([100.0, 250.0]), torch.tensor([2.0, 0.5]), 0.002
    start = run(reynolds, schmidt, seeds=(0, 4), resolution=(48, 96), frames=2, save_dt=1.0)
    result = run(reynolds, schmidt, initial=frame(start, 1), resolution=(48, 96), frames=7, save_dt=dt, max_dt=dt / 2)
    return result, reynolds, schmidt, dt


def test_pressure_solves_its_poisson_equation(fine):
    """∇²p = -∂ᵢuⱼ ∂ⱼuᵢ."""
    result = fine[0]
    u, w = result.fields["velocity"].unbind(-1)
    source = derivative(u, "x") ** 2 + derivative(w, "y") ** 2 + 2 * derivative(u, "y") * derivative(w, "x")
    assert error(laplacian(result.fields["pressure"]), -source) < 1e-7


def test_momentum_and_tracer_equations_hold(fine):
    """∂ₜu + u·∇u + ∇p - ν∇²u = 0 and ∂ₜs + u·∇s - D∇²s = 0, terms from the stored fields."""
    result, reynolds, schmidt, dt = fine
    view = (-1, 1, 1, 1)
    inner = slice(2, -2)
    for component, axis in enumerate("xy"):
        u = result.fields["velocity"][..., component]
        change = rate(u, dt)
        pressure = derivative(result.fields["pressure"], axis)
        residual = (advection(result, u) + pressure - laplacian(u) / reynolds.view(view))[:, inner] + change
        assert float(residual.norm() / pressure[:, inner].norm()) < 1e-7
    s = result.fields["tracer"]
    diffusion = laplacian(s) / (reynolds * schmidt).view(view)
    residual = rate(s, dt) + (advection(result, s) - diffusion)[:, inner]
    assert float(residual.norm() / diffusion[:, inner].norm()) < 1e-5


def test_parameters_are_recovered_from_the_fields(fine):
    """Least squares for ν in the vorticity equation and for D in the tracer equation gives the Re and Sc asked for."""
    result, reynolds, schmidt, dt = fine
    u, w = result.fields["velocity"].unbind(-1)
    inner = slice(2, -2)

    def coefficient(field):
        left = rate(field, dt) + advection(result, field)[:, inner]
        right = laplacian(field)[:, inner]
        return (left * right).flatten(1).sum(1) / (right * right).flatten(1).sum(1)

    viscosity = coefficient(derivative(w, "x") - derivative(u, "y"))
    diffusivity = coefficient(result.fields["tracer"])
    torch.testing.assert_close(1 / viscosity, reynolds.double(), rtol=1e-7, atol=0)
    torch.testing.assert_close(viscosity / diffusivity, schmidt.double(), rtol=1e-7, atol=0)


SMALL = {"resolution": (24, 48), "frames": 6}


@pytest.fixture(scope="module")
def start():
    return frame(run(1.0, 1.0, seeds=(7,), resolution=(24, 48), frames=1), 0)


@pytest.mark.parametrize("axis", FLOW.mirrors)
def test_mirrored_start_gives_the_mirrored_solution(axis, start):
    plain = run(200.0, 0.5, initial=start, **SMALL)
    mirrored = run(200.0, 0.5, initial=mirror(start, axis), **SMALL)
    for name, value in mirror(plain.fields, axis).items():
        assert error(mirrored.fields[name], value) < 1e-11, name
        assert error(mirrored.fields[name], plain.fields[name]) > 0.1, "the start must not be symmetric itself"


def test_shifted_start_gives_the_shifted_solution(start):
    plain = run(200.0, 0.5, initial=start, **SMALL)
    shifted = run(200.0, 0.5, initial={k: v.roll((5, -7), (1, 2)) for k, v in start.items()}, **SMALL)
    for name, value in plain.fields.items():
        assert error(shifted.fields[name], value.roll((5, -7), (2, 3))) < 1e-11, name


def test_galilean_invariance(start):
    """Adding a mean flow of 1 grid point per frame along x and 2 along y moves everything and changes nothing else."""
    flow = torch.tensor([1 / 24 / 0.1, 2 * 2 / 48 / 0.1], dtype=torch.float64)
    plain = run(200.0, 0.5, initial=start, **SMALL)
    moving = run(200.0, 0.5, initial={**start, "velocity": start["velocity"] + flow}, **SMALL)
    for index in range(6):
        for name, value in frame(plain, index, ("tracer", "pressure", "velocity")).items():
            moved = value.roll((index, 2 * index), (1, 2)) + (flow if name == "velocity" else 0)
            assert error(moving.fields[name][:, index], moved) < 1e-11, (name, index)

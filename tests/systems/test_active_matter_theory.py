"""Active matter against linear theory, the equations written as in the literature, and its symmetries."""

from __future__ import annotations

import math

import pytest
import torch

from tests.helpers.active_matter_cases import (
    BETA,
    DIFFUSION,
    LENGTH,
    MATTER,
    active_stress,
    bingham_angles,
    derivative,
    error,
    frame,
    gradient,
    laplacian,
    points,
    rate,
    run,
    second,
    state,
    transform,
)

SMALL = (16, 16)


def growth(alpha, zeta, angle: float, m: int, n: int = 0, model: str = "bingham") -> float:
    """Growth rate of A₂ ∝ exp(i angle) cos(k·x) of tiny amplitude, k = 2π (m, n)/L."""
    x, y = points(SMALL)
    phase = 2 * math.pi / LENGTH * (m * x + n * y)
    wave = 1e-7 * torch.cos(phase) * torch.polar(torch.ones(()), torch.tensor(angle)).to(torch.complex128)
    start = state(torch.ones_like(x)[None], wave[None])
    options = {"initial": start, "resolution": SMALL, "max_dt": 0.0125, "options": {"model": model}}
    d = run(alpha, zeta, frames=2, save_dt=0.5, **options).fields["D"]
    amplitude = (second(d) * wave.conj()).real.sum((-1, -2))[0]
    return float(torch.log(amplitude[1] / amplitude[0]) / 0.5)


def longitudinal(zeta: float, m: int, n: int = 0) -> float:
    return zeta - 4 * DIFFUSION - DIFFUSION * (2 * math.pi / LENGTH) ** 2 * (m**2 + n**2)


@pytest.mark.parametrize(
    ("alpha", "zeta", "m", "n"), [(-1, 0.25, 1, 0), (-3, 1.0, 2, 1), (-5, 3.0, 1, 2), (-2, 5.0, 4, 0)]
)
def test_linear_growth(alpha, zeta, m, n):
    """σ = ζ - 4d_R - d_T k² along k, and (βζ - 2α)/(8 + β) more where the order is at 45 degrees to k."""
    along = 2 * math.atan2(n, m)
    assert growth(alpha, zeta, along, m, n) == pytest.approx(longitudinal(zeta, m, n), rel=1e-5, abs=1e-6)
    across = longitudinal(zeta, m, n) + (BETA * zeta - 2 * alpha) / (8 + BETA)
    assert growth(alpha, zeta, along + math.pi / 2, m, n) == pytest.approx(across, rel=1e-5)


def test_kinetic_model_has_the_same_linear_growth():
    for angle, more in ((0.0, 0.0), (math.pi / 2, (BETA * 0.15 + 6) / (8 + BETA))):
        assert growth(-3.0, 0.15, angle, 1, model="kinetic") == pytest.approx(longitudinal(0.15, 1) + more, rel=1e-4)


def test_instability_threshold():
    """At ζ = 0 the longest wave grows from |α| = (8 + β)(4d_R + d_T k²)/2 = 0.9669 on."""
    critical = -(8 + BETA) * (4 * DIFFUSION + DIFFUSION * (2 * math.pi / LENGTH) ** 2) / 2
    assert critical == pytest.approx(-0.96685, abs=1e-5)
    low, high = (growth(critical + shift, 0.0, math.pi / 2, 1) for shift in (0.01, -0.01))
    assert low < 0 < high
    assert abs(low / (high - low) + 0.5) < 1e-3, "the zero lies in the middle"


ALPHA, ZETA, DT = -4.0, 0.8, 0.002


@pytest.fixture(scope="module")
def fine():
    """A developed, resolved run saved finely."""
    start = run(ALPHA, ZETA, seeds=(2,), resolution=(48, 48), frames=2, save_dt=4.0)
    result = run(ALPHA, ZETA, initial=frame(start, 1), resolution=(48, 48), frames=5, save_dt=DT)
    assert float(result.fields["velocity"].square().mean().sqrt()) > 0.3, "a flow worth a test"
    return result


def kept(field: torch.Tensor) -> torch.Tensor:
    """Field (..., nx, ny) without the modes above the 2/3 cut."""
    n = field.shape[-1]
    mask = (torch.fft.fftfreq(n, 1 / n).abs() * 3 < n).double()
    return torch.fft.ifft2(torch.fft.fft2(field) * mask[:, None] * mask).real


@pytest.mark.parametrize("index", [0, 2])
def test_flow_solves_stokes_equation(fine, index):
    """∇×(∇²u + ∇·Σ) = 0 and 2∫E:E = -∫Σ:E, at once and later.

    Σ is built as in the literature, by sums over angles.
    """
    fields = {name: value[0, index] for name, value in fine.fields.items()}
    stress = active_stress(fields["concentration"], fields["D"], fields["E"], ALPHA, ZETA)
    force = [sum(derivative(stress[..., i, j], "xy"[j]) for j in range(2)) for i in range(2)]
    u, w = fields["velocity"].unbind(-1)
    viscous = laplacian(derivative(w, "x") - derivative(u, "y"))
    curl = kept(derivative(force[1], "x") - derivative(force[0], "y"))
    assert float((viscous + curl).norm() / viscous.norm()) < 1e-8
    dissipation, power = 2 * fields["E"].square().sum(), -(stress * fields["E"]).sum()
    assert float(abs(power / dissipation - 1)) < 1e-9


def test_tensors_and_flow_are_what_their_names_say(fine):
    """∇·u = 0, mean flow 0, E = sym ∇u, trace D = c, trace E = 0, symmetry, mean c = 1."""
    velocity, d, e = (fine.fields[name] for name in ("velocity", "D", "E"))
    grad = gradient(velocity)
    assert error(e, (grad + grad.mT) / 2) < 1e-12
    assert float((grad[..., 0, 0] + grad[..., 1, 1]).abs().max()) < 1e-12
    assert float(velocity.mean((2, 3)).abs().max()) < 1e-14
    assert torch.equal(d, d.mT) and torch.equal(e, e.mT)
    assert float((e[..., 0, 0] + e[..., 1, 1]).abs().max()) == 0
    c = fine.fields["concentration"]
    torch.testing.assert_close(d[..., 0, 0] + d[..., 1, 1], c, rtol=0, atol=1e-14)
    torch.testing.assert_close(c.mean((2, 3)), torch.ones(1, 5, dtype=torch.float64), rtol=0, atol=1e-13)


def test_moment_equations_hold(fine):
    """∂ₜc and ∂ₜA₂ of stored frames against the kinetic equation: sums over angles of the rods' turning."""
    c, d, velocity = (fine.fields[name] for name in ("concentration", "D", "velocity"))
    middle = slice(2, 3)
    second_moment = second(d[:, middle])
    theta, density = bingham_angles(second_moment / c[:, middle])
    p = torch.stack([torch.cos(theta), torch.sin(theta)], -1)
    normal = torch.stack([-torch.sin(theta), torch.cos(theta)], -1)
    turning = torch.einsum("ai,...ij,aj->...a", normal, gradient(velocity[:, middle]) + 2 * ZETA * d[:, middle], p)
    psi = density * c[:, middle, ..., None]
    aligned = (psi * turning * 2j * torch.exp(2j * theta)).sum(-1)
    for field, source, decay in ((c.to(torch.complex128), 0.0, 0.0), (second(d), aligned, 4 * DIFFUSION)):
        now = field[:, middle]
        flux = velocity[:, middle] * torch.stack([now, now], -1)
        parts = [f(flux[..., i].real) + 1j * f(flux[..., i].imag) for i, f in enumerate((d_dx, d_dy))]
        diffusion = DIFFUSION * (laplacian(now.real) + 1j * laplacian(now.imag))
        expected = source - parts[0] - parts[1] + diffusion - decay * now
        expected = kept(expected.real) + 1j * kept(expected.imag)
        assert error(rate(field, DT), expected) < 1e-5


def d_dx(field):
    return derivative(field, "x")


def d_dy(field):
    return derivative(field, "y")


@pytest.fixture(scope="module")
def start():
    return frame(run(-4.0, 1.0, seeds=(5,), resolution=(24, 24), frames=2, save_dt=2.0), 1)


TURN = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
MIRRORS = {"x": torch.diag(torch.tensor([-1.0, 1.0])).double(), "y": torch.diag(torch.tensor([1.0, -1.0])).double()}


@pytest.mark.parametrize("model", MATTER.options["model"])
@pytest.mark.parametrize("matrix", [*(MIRRORS[axis] for axis in MATTER.mirrors), TURN], ids=["x", "y", "turn"])
def test_mirrored_and_turned_starts_give_mirrored_and_turned_solutions(matrix, model, start):
    setting = {"resolution": (24, 24), "frames": 3, "options": {"model": model}}
    plain = run(-4.0, 0.4, initial=start, **setting)
    changed = run(-4.0, 0.4, initial=transform(start, matrix), **setting)
    for name, value in transform(plain.fields, matrix).items():
        assert error(changed.fields[name], value) < 1e-9, name
        if name != "concentration":
            assert error(changed.fields[name], plain.fields[name]) > 0.1, "the start must not be symmetric itself"


def test_shifted_start_gives_the_shifted_solution(start):
    plain = run(-4.0, 0.4, initial=start, resolution=(24, 24), frames=4)
    shifted = {name: value.roll((5, -7), (1, 2)) for name, value in start.items()}
    moved = run(-4.0, 0.4, initial=shifted, resolution=(24, 24), frames=4)
    for name, value in plain.fields.items():
        assert error(moved.fields[name], value.roll((5, -7), (2, 3))) < 1e-10, name

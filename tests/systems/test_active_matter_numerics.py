"""Active matter: convergence, precision, the angular models beside each other and beside a grid of angles."""

from __future__ import annotations

import math

import pytest
import torch

from physrep.errors import PhysrepError
from physrep.systems.active_matter.initial import FAMILIES
from physrep.systems.active_matter.moments import Bingham, Kinetic
from physrep.systems.active_matter.system import kinetic_moments
from physrep.systems.grids.fourier_box import FourierBox
from tests.helpers.active_matter_cases import (
    BETA,
    DIFFUSION,
    MATTER,
    bingham_angles,
    derivative,
    error,
    frame,
    points,
    run,
    second,
    state,
)


@pytest.fixture(scope="module")
def developed():
    return frame(run(-4.0, 1.0, seeds=(2,), resolution=(32, 32), frames=2, save_dt=3.0), 1)


def test_order_in_time(developed):
    """2nd order, which is that of the single Stokes sweep per stage, with a small constant."""
    options = {"initial": developed, "resolution": (32, 32), "frames": 2, "save_dt": 1.0}
    exact = run(-4.0, 1.0, max_dt=0.0025, **options).fields["D"][:, 1]
    errors = [error(run(-4.0, 1.0, max_dt=dt, **options).fields["D"][:, 1], exact) for dt in (0.04, 0.02, 0.01)]
    assert errors[0] < 2e-4
    assert min(errors[0] / errors[1], errors[1] / errors[2]) > 3.5, errors


def test_first_step_is_as_accurate_as_later_ones(developed):
    """No start-up error: one step of 0.02 from a given state has the local error of a scheme of at least 3rd order."""
    options = {"initial": developed, "resolution": (32, 32), "frames": 2}
    errors = []
    for dt in (0.04, 0.02):
        exact = run(-4.0, 1.0, save_dt=dt, max_dt=dt / 16, **options).fields["D"][:, 1]
        errors.append(error(run(-4.0, 1.0, save_dt=dt, **options).fields["D"][:, 1], exact))
    assert errors[0] < 1e-5 and errors[0] / errors[1] > 8


def test_convergence_in_space():
    """A smooth start on finer grids: the error falls faster than any power of the spacing."""
    x, y = points((16, 16))
    wave = torch.polar(0.3 + 0.1 * torch.cos(0.2 * math.pi * (x + y)), 0.5 * torch.sin(0.2 * math.pi * x))
    initial = state(1 + 0.1 * torch.cos(0.2 * math.pi * y)[None], wave[None])
    runs = {n: run(-2.0, 0.8, initial=initial, resolution=(n, n), frames=5, max_dt=0.05) for n in (16, 24, 32, 48)}
    exact = runs.pop(48).fields["D"][:, -1]
    box = FourierBox((48, 48), (10.0, 10.0), torch.float64)
    errors = []
    for n, result in runs.items():
        coarse = FourierBox((n, n), (10.0, 10.0), torch.float64)
        entry = coarse.to_spectral(result.fields["D"][:, -1, ..., 0, 1])
        errors.append(error(box.to_physical(coarse.resize(entry, box)), exact[..., 0, 1]))
    assert errors[0] < 5e-2 and errors[1] < errors[0] / 5 and errors[2] < errors[1] / 10, errors


def test_float32_agrees_with_float64(developed):
    options = {"initial": developed, "resolution": (32, 32), "frames": 9}
    double = run(-4.0, 1.0, **options)
    single = run(-4.0, 1.0, dtype=torch.float32, **options)
    for name, value in double.fields.items():
        assert single.fields[name].dtype == torch.float32
        assert error(single.fields[name].double(), value) < 2e-4, name


def test_own_time_step_is_fine_enough(developed):
    """Without `max_dt` the error of the step stays below that of the grid, which is 1e-2 here."""
    options = {"initial": developed, "resolution": (32, 32), "frames": 5}
    exact = run(-4.0, 1.0, max_dt=0.005, **options).fields["D"][:, -1]
    assert error(run(-4.0, 1.0, **options).fields["D"][:, -1], exact) < 3e-3


def angular_moments(psi: torch.Tensor, theta: torch.Tensor, count: int) -> torch.Tensor:
    """∫Ψ exp(2imθ) dθ for m = 0..count of Ψ (..., N) times the angle's spacing."""
    m = torch.arange(count + 1, dtype=torch.float64)
    return psi.to(torch.complex128) @ torch.exp(2j * m * theta[:, None])


def planes_of(moments: torch.Tensor) -> torch.Tensor:
    """Planes [c, Re, Im] of moments (M + 1,)."""
    return torch.cat([moments.real, moments.imag[1:]]).view(1, -1, 1, 1)


@pytest.mark.parametrize("model", [Bingham(torch.float64, "cpu"), Kinetic(20, torch.float64, "cpu")])
def test_turning_is_that_of_rods(model):
    """-∂_θ(θ'Ψ) with θ' = w + Im(G exp(-2iθ)), by sums over angles, for a distribution that both models hold."""
    axis = torch.polar(torch.tensor(0.6).double(), torch.tensor(1.1).double())
    theta, psi = bingham_angles(axis)
    psi = 1.3 * psi
    spin, field = torch.tensor(0.7).double(), torch.complex(torch.tensor(0.4).double(), torch.tensor(-0.9).double())
    turning = spin + (field * torch.exp(-2j * theta)).imag
    m = torch.arange(1, model.count + 1, dtype=torch.float64)
    expected = (psi * turning * 2j * m[:, None] * torch.exp(2j * m[:, None] * theta)).sum(-1)
    planes = planes_of(angular_moments(psi, theta, model.count))
    out = torch.empty(1, 2 * model.count, 1, 1, dtype=torch.float64)
    scalar = (1, 1, 1)
    fourth = model.fourth(planes)
    exact = angular_moments(psi, theta, 2)[2]
    assert abs(complex(fourth[0].item(), fourth[1].item()) - complex(exact)) < 1e-9
    model.turning(planes, fourth, spin.expand(scalar), (field.real.expand(scalar), field.imag.expand(scalar)), out)
    found = torch.complex(out[0, : model.count, 0, 0], out[0, model.count :, 0, 0])
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-9)


def test_kinetic_model_in_a_uniform_suspension_against_a_grid_of_angles():
    """Without gradients there is no flow: ∂ₜΨ = ζ ∂_θ(R sin 2θ Ψ) + d_R ∂_θ²Ψ, integrated here on 128 angles."""
    zeta, order = 1.5, 0.2
    theta, psi = bingham_angles(torch.tensor(order).to(torch.complex128), 128)
    k = torch.fft.fftfreq(128, 1 / 128, dtype=torch.float64)

    def change(psi):
        r = (psi * torch.cos(2 * theta)).sum()
        flux = torch.fft.fft(zeta * r * torch.sin(2 * theta) * psi)
        return torch.fft.ifft(1j * k * flux - DIFFUSION * k**2 * torch.fft.fft(psi)).real

    expected, dt = [order], 1e-3
    for _ in range(4):
        for _ in range(250):
            k1 = change(psi)
            k2 = change(psi + dt / 2 * k1)
            k3 = change(psi + dt / 2 * k2)
            psi = psi + dt / 6 * (k1 + 2 * k2 + 2 * k3 + change(psi + dt * k3))
        expected.append(float((psi * torch.cos(2 * theta)).sum()))
    initial = state(torch.ones(1, 48, 48).double(), torch.full((1, 48, 48), order, dtype=torch.complex128))
    result = run(-3.0, zeta, initial=initial, frames=5, resolution=(48, 48), options={"model": "kinetic"})
    found = second(result.fields["D"])[0, :, 3, 5]
    assert float(found.imag.abs().max()) < 1e-12
    assert found.real.tolist() == pytest.approx(expected, abs=1e-5)


def test_models_agree_while_the_order_is_small_and_the_closure_runs_ahead_later():
    """Both have the same linear growth; the closure overestimates how fast the order saturates, by some per cent."""
    options = {"seeds": (3,), "resolution": (32, 32), "frames": 13, "save_dt": 0.5, "initial_condition": "the_well"}
    bingham, kinetic = (run(-3.0, 0.7, options={"model": model}, **options) for model in MATTER.options["model"])
    early, late = (
        [result.fields[name][:, frames] for result in (bingham, kinetic)]
        for name, frames in (("D", slice(0, 7)), ("velocity", 12))
    )
    # Not closer, since The Well's start has an A₄ of its own, which a closure cannot have.
    assert float(second(early[1]).abs().max()) > 0.1 and error(second(early[0]), second(early[1])) < 1e-2
    speeds = [float(velocity.square().mean().sqrt()) for velocity in late]
    assert 1.02 < speeds[0] / speeds[1] < 1.15
    assert "Bingham closure" in bingham.attributes["angular_model"]
    assert f"A{2 * kinetic_moments((32, 32))}" in kinetic.attributes["angular_model"]


def test_kinetic_model_stays_a_distribution():
    """Into developed turbulence, at the largest ζ it takes on this grid: 0 < c, |A₂| < c up to a slight overshoot."""
    result = run(-4.0, 0.75, seeds=(1,), resolution=(32, 32), frames=17, save_dt=0.5, options={"model": "kinetic"})
    c, order = result.fields["concentration"], second(result.fields["D"]).abs()
    assert float(order.max()) > 0.7 and float((order / c).max()) < 1.1 and float(c.min()) > 0


def test_kinetic_model_refuses_what_the_grid_cannot_hold():
    parameters = {"alpha": torch.tensor([-3.0]), "zeta": torch.tensor([5.0])}
    with pytest.raises(PhysrepError, match=r"kinetic model on 64x64 points resolves zeta up to 3, not 5; .*bingham\."):
        MATTER.simulate(parameters, [0], options={"model": "kinetic"})
    assert kinetic_moments((128, 128)) == 48 and kinetic_moments((16, 64)) == 8


def test_starts_of_the_well_have_the_moments_of_their_distribution():
    """Ψ of the formula, drawn anew with the seed's generator, on a grid of angles: all its moments by sums."""
    box = FourierBox((32, 32), (10.0, 10.0), torch.float64)
    generator = torch.Generator().manual_seed(7)
    x, y = points((32, 32))
    theta = 2 * math.pi * torch.arange(48, dtype=torch.float64) / 48
    psi = torch.ones(32, 32, 48, dtype=torch.float64)
    for i in range(8):
        m, n = torch.randint(1, 9, (2,), generator=generator).tolist()
        r = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        wave = torch.cos(2 * math.pi * m * x / 10 + r[1]) * torch.cos(2 * math.pi * n * y / 10 + r[2])
        psi += 0.1 * (r[0] - 0.5) * wave[..., None] * torch.cos(2 * theta + r[3]) ** (i + 1)
    assert 0.5 < float(psi.min()) < float(psi.max()) < 1.5
    expected = angular_moments(psi / 48, theta, 9).movedim(-1, 0)
    planes = box.to_physical(FAMILIES["the_well"](7, box, 9))
    torch.testing.assert_close(planes[:10], expected.real, rtol=0, atol=1e-14)
    torch.testing.assert_close(planes[10:], expected.imag[1:], rtol=0, atol=1e-14)
    assert float(planes[9].abs().max()) < 1e-15, "cos⁸ is the highest power"
    torch.testing.assert_close(box.to_physical(FAMILIES["the_well"](7, box, 1)), planes[[0, 1, 10]])
    stds = [float(box.to_physical(FAMILIES["the_well"](seed, box, 1))[0].std()) for seed in range(20)]
    assert 0.008 < sum(stds) / 20 < 0.015


def test_velocity_scale_follows_from_the_stress():
    """A single mode of order at 45 degrees: u = (βζ - 2α)/(8 + β)·2 b/k, to first order in b."""
    x, _ = points((16, 16))
    b, alpha, zeta, k = 1e-6, -3.0, 1.0, 2 * math.pi / 10
    initial = state(torch.ones(1, 16, 16).double(), (1j * b * torch.cos(k * x))[None])
    velocity = run(alpha, zeta, initial=initial, resolution=(16, 16), frames=1).fields["velocity"][0, 0]
    strain = (BETA * zeta - 2 * alpha) / (8 + BETA) * b * torch.cos(k * x)
    torch.testing.assert_close(derivative(velocity[..., 1], "x") / 2, strain, rtol=1e-5, atol=1e-14)

"""Quantities of fields whose values are known in closed form."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.errors import PhysrepError
from physrep.quantities import QUANTITIES, Grid, Quantity, quantities_of
from physrep.quantities.nematic import charges
from physrep.systems import SYSTEMS
from physrep.systems.grids.chebyshev import gauss

TWO_PI = 2 * math.pi


def clip(fields: dict[str, Tensor], parameters: dict[str, float] | None = None, **changes: Any) -> Clip:
    """One window of one frame per row of the fields ``(T, H, W)``."""
    stacked = torch.stack(list(fields.values()))[None]
    known = parameters or {}
    made: dict[str, Any] = {
        "fields": stacked, "parameters": torch.tensor([list(known.values())], dtype=torch.float64),
        "channels": tuple(fields), "parameter_names": tuple(known), "dt": 0.1,
        "dx": (1 / stacked.shape[3], 1 / stacked.shape[4]), "periodic": (True, True),
        "trajectory": torch.zeros(1, dtype=torch.long), "start": torch.zeros(1, dtype=torch.long),
    }  # fmt: skip
    return Clip(**{**made, **changes})


def quantity(system: str, name: str) -> Quantity:
    known = QUANTITIES.get(system, quantities_of(system, ("velocity_x", "velocity_y")))
    return next(q for q in known if q.name == name)


def value(system: str, name: str, window: Clip, grid: Grid | None = None) -> float:
    found = quantity(system, name)
    return float(found.of_window(found.series(window, grid or Grid.of_clip(window)), window.dt)[0])


def square(n: int = 32) -> tuple[Tensor, Tensor]:
    x = torch.arange(n, dtype=torch.float64) / n
    first, second = torch.meshgrid(x, x, indexing="ij")
    return first, second


def taylor_green(amplitude: float = 3.0) -> Clip:
    x, y = square()
    u = amplitude * torch.sin(TWO_PI * x) * torch.cos(TWO_PI * y)
    w = -amplitude * torch.cos(TWO_PI * x) * torch.sin(TWO_PI * y)
    return clip({"velocity_x": u[None], "velocity_y": w[None], "tracer": 2 * torch.cos(2 * TWO_PI * x)[None]})


def test_taylor_green_vortices() -> None:
    """E = A²/4; ω = 2kA sin sin, so Z = A² k²/2; ⟨|∇u|²⟩ = 2Z for a divergence-free periodic field."""
    window = taylor_green()
    assert value("shear_flow", "kinetic_energy", window) == pytest.approx(9 / 4, rel=1e-12)
    assert value("shear_flow", "enstrophy", window) == pytest.approx(9 * TWO_PI**2 / 2, rel=1e-12)
    assert value("any", "velocity_gradient", window) == pytest.approx(9 * TWO_PI**2, rel=1e-12)
    assert value("shear_flow", "tracer_variance", window) == pytest.approx(2.0, rel=1e-12)
    assert value("shear_flow", "tracer_gradient", window) == pytest.approx(2 * (2 * TWO_PI) ** 2, rel=1e-12)


def test_only_what_varies_along_the_layer_is_a_perturbation() -> None:
    x, y = square()
    layer, wave = torch.tanh(torch.sin(TWO_PI * y)), 0.2 * torch.sin(TWO_PI * x)
    window = clip({"velocity_x": layer[None], "velocity_y": wave[None]})
    assert value("shear_flow", "perturbation_energy", window) == pytest.approx(0.5 * 0.02, rel=1e-12)


@pytest.mark.parametrize("slope", [-5 / 3, -3.0, 0.0])
def test_a_planted_power_law_gives_its_slope(slope: float) -> None:
    n = 64
    k = torch.fft.fftfreq(n, 1 / n).double()
    shell = torch.round((k[:, None] ** 2 + k**2).sqrt()).long()
    fields = {}
    for name, seed in (("velocity_x", 0), ("velocity_y", 1)):
        noise = torch.fft.fft2(torch.randn(n, n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
        energy = torch.zeros(int(shell.max()) + 1, dtype=torch.float64)
        energy.index_add_(0, shell.flatten(), noise.abs().square().flatten())
        wanted = torch.arange(len(energy)).double().clamp_min(1) ** slope
        fields[name] = torch.fft.ifft2(noise * (wanted / energy).sqrt()[shell]).real[None]
    assert value("shear_flow", "spectral_slope", clip(fields)) == pytest.approx(slope, abs=1e-6)


def layer(n: int, rows: int, amplitude: float, rayleigh: float, uniform: bool = False) -> tuple[Clip, Grid]:
    x = 4 * torch.arange(n, dtype=torch.float64) / n
    y = (torch.arange(rows).double() + 0.5) / rows if uniform else gauss(rows)
    wave = amplitude * torch.cos(TWO_PI / 4 * x)[:, None] * torch.sin(math.pi * y)
    fields = {"buoyancy": (1 - y) + 0.1 * wave, "velocity_x": torch.zeros_like(wave), "velocity_y": wave}
    window = clip({key: field.expand(n, rows)[None] for key, field in fields.items()},
                  {"Rayleigh": rayleigh, "Prandtl": 0.5}, dx=(4 / n, 1 / rows), periodic=(True, False))  # fmt: skip
    return window, Grid.of([x, y], (True, False))


@pytest.mark.parametrize("uniform", [False, True])
def test_heat_flux_of_conduction_and_of_a_planted_roll(uniform: bool) -> None:
    """⟨u_y b⟩ = A (A/10) ⟨cos²⟩⟨sin²⟩ = A²/40, and Nu = 1 + that times (Ra Pr)^½."""
    still, grid = layer(64, 32, 0.0, 1e4, uniform)
    assert value("rayleigh_benard", "nusselt", still, grid) == pytest.approx(1.0, abs=1e-12)
    rolls, grid = layer(64, 32, 0.2, 1e4, uniform)
    expected = 1 + 0.2**2 / 40 * math.sqrt(1e4 * 0.5)
    assert value("rayleigh_benard", "nusselt", rolls, grid) == pytest.approx(expected, rel=1e-10)


def test_nusselt_without_its_parameters_is_one_sentence() -> None:
    window, grid = layer(16, 8, 0.1, 1e4)
    window.parameter_names = ("Ra", "Pr")
    with pytest.raises(PhysrepError, match="needs the parameter 'Rayleigh'"):
        value("rayleigh_benard", "nusselt", window, grid)


def test_derivatives_beside_walls_are_those_of_the_polynomial() -> None:
    y = gauss(24)
    grid = Grid.of([torch.arange(8).double(), y], (True, False))
    field = torch.exp(2 * y).expand(8, 24)
    torch.testing.assert_close(grid.derivative(field, 1), 2 * field, rtol=1e-9, atol=0)
    assert float(grid.mean(field)) == pytest.approx((math.exp(2) - 1) / 2, rel=1e-12)
    other = Grid.of([torch.arange(8).double(), torch.linspace(0, 1, 24, dtype=torch.float64) ** 1.5], (True, False))
    parabola = (other.weights[1] * 0 + torch.linspace(0, 1, 24, dtype=torch.float64) ** 3).expand(8, 24)
    exact = 2 * torch.linspace(0, 1, 24, dtype=torch.float64).expand(8, 24) ** 1.5
    torch.testing.assert_close(other.derivative(parabola, 1), exact, rtol=0, atol=1e-10)


def nematic(angle: Tensor, strength: Tensor | float = 0.8) -> Clip:
    """D with trace 1 and the director at this angle."""
    s = strength * torch.ones_like(angle)
    xx, xy = (1 + s * torch.cos(2 * angle)) / 2, s * torch.sin(2 * angle) / 2
    return clip({"D_xx": xx[None], "D_xy": xy[None], "D_yx": xy[None], "D_yy": 1 - xx[None]})


def test_a_planted_pair_of_defects_is_found_where_it_is() -> None:
    """A₂ = conj(f) g with simple zeros of f and g on the torus: sin-waves of period 2 have one zero of each sign."""
    x, y = square(33)

    def vortex(x0: float, y0: float, sign: float) -> Tensor:
        return torch.atan2(sign * torch.sin(math.pi * (y - y0)), torch.sin(math.pi * (x - x0)))

    window = nematic(0.5 * (vortex(0.31, 0.52, 1) + vortex(0.71, 0.48, -1)))
    found = charges(window)[0, 0]
    inside = found[:-1, :-1]
    assert sorted(inside[inside != 0].tolist()) == [-0.5, 0.5]
    assert (inside == 0.5).nonzero().tolist() == [[int(0.31 * 33), int(0.52 * 33)]]
    assert float(found.sum()) == 0.0


def test_a_pair_on_the_torus_counts_two_and_a_uniform_director_none() -> None:
    x, y = square(48)
    kink = torch.complex(torch.cos(TWO_PI * x) - 0.2, torch.sin(TWO_PI * y) + 0.0 * x)
    lobe = torch.complex(torch.cos(TWO_PI * x) - 0.2 + 0.9 * (1 - torch.cos(TWO_PI * y)), torch.sin(TWO_PI * y))
    # Zeros: sin y = 0 and cos x = 0.2 - 0.9 (1 - cos y): two at y = 0, none at y = 1/2 (cos x = -1.6).
    assert value("active_matter", "defects", nematic(lobe.angle() / 2)) == 2
    assert value("active_matter", "defects", nematic(kink.angle() / 2)) == 4
    assert value("active_matter", "defects", nematic(torch.full((48, 48), 0.7, dtype=torch.float64))) == 0


def test_order_and_alignment() -> None:
    x, _ = square()
    uniform, turning = nematic(torch.full_like(x, 0.7), 0.6), nematic(math.pi * x, 0.6)
    assert value("active_matter", "order", uniform) == pytest.approx(0.6, abs=1e-12)
    assert value("active_matter", "alignment", uniform) == pytest.approx(0.6, abs=1e-12)
    assert value("active_matter", "order", turning) == pytest.approx(0.6, abs=1e-12)
    assert value("active_matter", "alignment", turning) == pytest.approx(0.0, abs=1e-12)


def test_amplitude_decay_of_a_conducting_rod() -> None:
    kappa = torch.tensor([0.01], dtype=torch.float64)
    x, _ = square()
    run = SYSTEMS["heat"].simulate(
        {"diffusivity": kappa},
        [0],
        resolution=(32, 32),
        frames=6,
        save_dt=0.5,
        initial={"temperature": (1 + torch.sin(2 * TWO_PI * x))[None]},
        dtype=torch.float64,
    )
    window = clip({"temperature": run.fields["temperature"][0]}, dt=0.5)
    assert value("heat", "amplitude_decay", window) == pytest.approx(0.01 * (2 * TWO_PI) ** 2, rel=1e-9)
    assert value("heat", "sharpness", window) == pytest.approx((2 * TWO_PI) ** 2, rel=1e-9)


def test_every_system_on_two_axes_has_quantities_of_its_own_channels() -> None:
    for name, known in QUANTITIES.items():
        system = SYSTEMS[name]
        stored = {f.name if f.order == 0 else f.name + "_" for f in system.fields}
        for q in known:
            assert all(c in stored or c[: c.rindex("_") + 1] in stored for c in q.channels), (name, q.name)
        assert len({q.name for q in known}) == len(known)


def test_unknown_systems_get_what_their_channels_allow() -> None:
    names = [q.name for q in quantities_of("mine", ("smoke", "velocity_x", "velocity_y"))]
    assert "enstrophy" in names and "smoke_variance" in names
    assert [q.name for q in quantities_of("active_matter", ("D_xx", "D_xy", "D_yy"))] == [
        "order",
        "alignment",
        "defects",
    ]
    assert "nusselt" not in [q.name for q in quantities_of("rayleigh_benard", ("buoyancy", "velocity_x", "velocity_y"))]


def test_a_tilted_wave_takes_energy_from_the_layer_or_gives_it_back() -> None:
    """ū = sin 2πy and u' = ∓sin 2πx cos 2πy-like waves: P = -⟨u'_x u'_y ∂_yū⟩, here with u'_x u'_y = ±a² sin² 2πx."""
    x, y = square()
    wave = 0.1 * torch.sin(TWO_PI * x) * torch.cos(TWO_PI * y)
    for sign in (1.0, -1.0):
        window = clip({"velocity_x": (torch.sin(TWO_PI * y) - sign * wave)[None], "velocity_y":
                       (0.1 * torch.sin(TWO_PI * x))[None]})  # fmt: skip
        # ⟨0.01 sin² 2πx cos 2πy · 2π cos 2πy⟩ = 0.01 · ½ · 2π · ½
        assert value("shear_flow", "production", window) == pytest.approx(sign * 0.01 * TWO_PI / 4, rel=1e-12)
        shear, energy = TWO_PI / math.sqrt(2), 0.5 * 0.01 * (0.25 + 0.5)
        assert value("shear_flow", "layer_shear", window) == pytest.approx(shear, rel=1e-12)
        assert value("shear_flow", "layer_energy", window) == pytest.approx(0.25, rel=1e-12)
        expected = sign * 0.01 * TWO_PI / 4 / (shear * energy)
        assert value("shear_flow", "feeding", window) == pytest.approx(expected, rel=1e-12)

r"""Viscosity of a two-dimensional flow from its vorticity alone, as PDEInvBench stores it.

    ∂ₜω + u·∇ω = ν ∇²ω - α ω + f(y),    u = (-∂_y ψ, ∂ₓψ),    ∇²ψ = ω

with ψ from the whole periodic box in Fourier space. Against a test function, as ∇·u = 0,

    -∭ (ω χ_t + ω u·∇χ) = ν ∭ ω ∇²χ - α ∭ ω χ + ∭ f χ

Without forcing α = f = 0. The forced flow has f = a cos(2y) + b sin(2y) with y in units of the box over 2π; α, a and b
are regressed as well, so that neither sign nor place of the forcing needs to be known.

Source: https://arxiv.org/abs/2605.25353; its public code has Re = 0.8/ν for the unforced flow (0.8: the length over
which the start is correlated).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import PhysrepError
from .equations import DT, DX, DY, VALUE, OracleWindow, positive
from .regression import least_squares

LENGTH = 0.8
"""Re ν of the unforced flow."""

MODE = 2
"""Waves of the forcing along y."""


def induced_velocity(window: OracleWindow, vorticity: Tensor) -> tuple[Tensor, Tensor]:
    """The two components with shape ``(B, T, H, W)``, of no mean flow.

    Raises:
        PhysrepError: an axis is not periodic, so that the vorticity does not determine the flow.
    """
    if not all(window.clip.periodic):
        raise PhysrepError(
            f"{window.system.name}: the flow follows from the vorticity in a periodic box only; convert the data with "
            "--periodic x y, and take no crop."
        )
    kx, ky = (
        2 * math.pi * torch.fft.fftfreq(n, dx, dtype=torch.float64, device=vorticity.device)
        for n, dx in zip(vorticity.shape[2:], window.clip.dx, strict=True)
    )
    square = kx[:, None] ** 2 + ky**2
    square[0, 0] = 1
    stream = -torch.fft.fft2(vorticity) / square
    return torch.fft.ifft2(-1j * ky * stream).real, torch.fft.ifft2(1j * kx[:, None] * stream).real


def _carried(window: OracleWindow, vorticity: Tensor) -> Tensor:
    """Change of the vorticity that its own flow does not explain."""
    u, v = induced_velocity(window, vorticity)
    integral = window.integral
    return -integral(vorticity, DT) - integral(vorticity * u, DX) - integral(vorticity * v, DY)


def navier_stokes(window: OracleWindow) -> dict[str, Tensor]:
    """Re of the unforced flow from the channel ``vorticity``."""
    vorticity = window["vorticity"]
    nu = least_squares([window.integral.laplacian(vorticity)], _carried(window, vorticity))[:, 0]
    return {"re": LENGTH / positive(nu)}


def navier_stokes_forced(window: OracleWindow) -> dict[str, Tensor]:
    """ν of the forced flow from the channel ``vorticity``."""
    vorticity, integral = window["vorticity"], window.integral
    n = vorticity.shape[3]
    phase = 2 * math.pi * MODE * torch.arange(n, dtype=torch.float64, device=vorticity.device) / n
    waves = [integral(wave.expand_as(vorticity).contiguous(), VALUE) for wave in (phase.cos(), phase.sin())]
    columns = [integral.laplacian(vorticity), -integral(vorticity, VALUE), *waves]
    return {"nu": positive(least_squares(columns, _carried(window, vorticity))[:, 0])}

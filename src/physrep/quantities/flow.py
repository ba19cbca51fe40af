r"""Quantities of a velocity field u, and of scalars s that it carries, on two axes.

⟨·⟩ is the average over the domain.

    kinetic energy       E = ½⟨|u|²⟩                              L²/T²
    enstrophy            Z = ½⟨ω²⟩,  ω = ∂ₓu_y - ∂_y u_x          1/T²
    velocity gradient    G = ⟨|∇u_x|² + |∇u_y|²⟩                  1/T²     (dissipation is ν G)
    spectral slope       n of E(k) ~ kⁿ by least squares           1
    scalar variance      ⟨(s - ⟨s⟩)²⟩                             [s]²
    scalar gradient      ⟨|∇s|²⟩                                  [s]²/L²  (its variance decays as 2 D of it)
"""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from ..clip import Clip
from .base import Quantity, channel, velocity
from .grid import Grid


def kinetic_energy(clip: Clip, grid: Grid) -> Tensor:
    """``½⟨u_x² + u_y²⟩`` per frame, in L²/T², with shape ``(B, T)``."""
    first, second = velocity(clip)
    return 0.5 * grid.mean(first.square() + second.square())


def vorticity(clip: Clip, grid: Grid) -> Tensor:
    """``∂ₓu_y - ∂_y u_x`` in 1/T, with shape ``(B, T, H, W)``."""
    first, second = velocity(clip)
    return grid.derivative(second, 0) - grid.derivative(first, 1)


def enstrophy(clip: Clip, grid: Grid) -> Tensor:
    """``½⟨ω²⟩`` per frame, in 1/T², with shape ``(B, T)``."""
    return 0.5 * grid.mean(vorticity(clip, grid).square())


def velocity_gradient(clip: Clip, grid: Grid) -> Tensor:
    """``⟨|∇u_x|² + |∇u_y|²⟩`` per frame, in 1/T², with shape ``(B, T)``; the dissipation over the viscosity."""
    return sum((grid.mean(grid.gradient_square(u)) for u in velocity(clip)), torch.zeros((), dtype=torch.float64))


def spectral_slope(clip: Clip, grid: Grid) -> Tensor:
    r"""Exponent n of ``E(k) ~ kⁿ`` per frame, dimensionless, with shape ``(B, T)``.

    E(k) is the kinetic energy of the waves with wavenumber nearest to ``k dk``, ``dk = 2π / shortest period``; n is the
    slope of the least-squares line of ``ln E`` over ``ln k`` for k from 2 to half of what the grid holds. With walls
    the waves along the periodic axis are taken, averaged over the rows. Energy below 1e-12 of the frame's total counts
    as 1e-12: float32 fields hold no less.
    """
    first, second = velocity(clip)
    n = first.shape[2:]
    axes = [axis for axis in (0, 1) if grid.periodic[axis]]
    dk = max(2 * math.pi / grid.lengths[axis] for axis in axes)
    waves = [2 * math.pi / grid.lengths[axis] * torch.fft.fftfreq(n[axis], 1 / n[axis]).double() for axis in axes]
    dims = [axis - 2 for axis in axes]
    power = torch.zeros_like(first)
    for u in (first, second):
        power += torch.fft.fftn(u, dim=dims).abs().square()
    if len(axes) == 2:
        k = (waves[0][:, None].square() + waves[1].square()).sqrt()
    else:
        other = 1 - axes[0]
        power = torch.einsum("...hw,w->...h" if other == 1 else "...hw,h->...w", power, grid.weights[other])
        k = waves[0].abs()
    most = int(min(float(wave.abs().max()) for wave in waves) / dk / 2)
    shell = torch.round(k / dk).long().flatten()
    energy = torch.zeros(*power.shape[:2], int(shell.max()) + 1, dtype=torch.float64)
    energy.index_add_(2, shell, power.reshape(*power.shape[:2], -1))
    logarithm = torch.log(torch.maximum(energy, 1e-12 * energy.sum(2, keepdim=True)).clamp_min(1e-300))
    numbers = torch.arange(2, max(most, 3) + 1)
    x = torch.log(numbers.double())
    x = x - x.mean()
    return (logarithm[:, :, numbers] @ x) / x.square().sum()


def scalar_variance(clip: Clip, grid: Grid, *, name: str) -> Tensor:
    """``⟨(s - ⟨s⟩)²⟩`` of channel ``name`` per frame, in the square of its unit, with shape ``(B, T)``."""
    s = channel(clip, name)
    return grid.mean((s - grid.mean(s)[..., None, None]).square())


def scalar_gradient(clip: Clip, grid: Grid, *, name: str) -> Tensor:
    """``⟨|∇s|²⟩`` of channel ``name`` per frame, in the square of its unit over L², with shape ``(B, T)``."""
    return grid.mean(grid.gradient_square(channel(clip, name)))


def scalar_mean(clip: Clip, grid: Grid, *, name: str) -> Tensor:
    """``⟨s⟩`` of channel ``name`` per frame, in its unit, with shape ``(B, T)``."""
    return grid.mean(channel(clip, name))


VELOCITY = ("velocity_x", "velocity_y")

FLOW = (
    Quantity("kinetic_energy", "E", "L²/T²", "½⟨|u|²⟩", kinetic_energy, VELOCITY, scale="log"),
    Quantity("enstrophy", "Z", "1/T²", "½⟨ω²⟩", enstrophy, VELOCITY, scale="log"),
    Quantity("spectral_slope", "n", "1", "slope of ln E(k) over ln k", spectral_slope, VELOCITY),
)
"""Quantities of every velocity field."""

COMPRESSIBLE = Quantity("velocity_gradient", "G", "1/T²", "⟨|∇u|²⟩", velocity_gradient, VELOCITY, scale="log")
"""For fields that may not be divergence-free; otherwise, in periodic boxes and between walls at rest, it is 2 Z."""


def scalar(name: str) -> tuple[Quantity, ...]:
    """Variance and mean squared gradient of a scalar channel."""
    return (
        Quantity(f"{name}_variance", f"var {name}", "s²", "⟨(s-⟨s⟩)²⟩", partial(scalar_variance, name=name), (name,),
                 scale="log"),
        Quantity(f"{name}_gradient", f"|∇{name}|²", "s²/L²", "⟨|∇s|²⟩", partial(scalar_gradient, name=name), (name,),
                 scale="log"),
    )  # fmt: skip

"""Runs, angular moments and an independent spectral calculus for the active-matter tests."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from physrep.systems import Trajectories
from physrep.systems.active_matter.system import ActiveMatter
from tests.helpers.spectral_calculus import spectral_derivative, spectral_laplacian

MATTER = ActiveMatter()
LENGTH = 10.0
BETA, DIFFUSION = 0.8, 0.05
derivative = partial(spectral_derivative, lengths=(LENGTH, LENGTH))
laplacian = partial(spectral_laplacian, lengths=(LENGTH, LENGTH))


def run(alpha, zeta, seeds=(0,), **options) -> Trajectories:
    """Simulate with scalars or lists of parameters, in float64 unless told otherwise."""
    count = len(options["initial"]["D"]) if "initial" in options else len(seeds)
    parameters = {
        "alpha": torch.as_tensor(alpha, dtype=torch.float64).expand(count),
        "zeta": torch.as_tensor(zeta, dtype=torch.float64).expand(count),
    }
    seeds = [0] * count if "initial" in options else list(seeds)
    result = MATTER.simulate(parameters, seeds, **{"dtype": torch.float64, **options})
    assert not result.failed
    return result


def points(resolution) -> tuple[Tensor, Tensor]:
    """Coordinates x, y as grids (nx, ny)."""
    x, y = MATTER.grid(resolution).values()
    return tuple(torch.meshgrid(x, y, indexing="ij"))


def gradient(velocity: Tensor) -> Tensor:
    """(∇u)_ij = ∂_j u_i of (..., nx, ny, 2): (..., nx, ny, 2, 2)."""
    parts = [[derivative(velocity[..., i], axis) for axis in "xy"] for i in range(2)]
    return torch.stack([torch.stack(row, -1) for row in parts], -2)


def state(concentration: Tensor, second: Tensor) -> dict[str, Tensor]:
    """Stored fields c and D of the complex second moment A₂, each (B, nx, ny)."""
    a, b = second.real, second.imag
    d = torch.stack([concentration + a, b, b, concentration - a], -1) / 2
    return {"concentration": concentration, "D": d.unflatten(-1, (2, 2))}


def second(d: Tensor) -> Tensor:
    """A₂ = D_xx - D_yy + 2i D_xy."""
    return torch.complex(d[..., 0, 0] - d[..., 1, 1], 2 * d[..., 0, 1])


def bingham_angles(second_moment: Tensor, count: int = 256) -> tuple[Tensor, Tensor]:
    """Angles (count,) and densities (..., count) of Bingham distributions, κ by bisection on sums over angles."""
    theta = 2 * math.pi * torch.arange(count, dtype=torch.float64) / count
    order, axis = second_moment.abs(), second_moment.angle()
    low, high = torch.zeros_like(order), torch.full_like(order, 400.0)
    for _ in range(60):
        kappa = (low + high) / 2
        weight = torch.exp(kappa[..., None] * (torch.cos(2 * theta) - 1))
        less = (weight * torch.cos(2 * theta)).sum(-1) / weight.sum(-1) < order
        low, high = torch.where(less, kappa, low), torch.where(less, high, kappa)
    weight = torch.exp(low[..., None] * (torch.cos(2 * theta - axis[..., None]) - 1))
    return theta, weight / weight.sum(-1, keepdim=True)


def active_stress(c: Tensor, d: Tensor, strain: Tensor, alpha: float, zeta: float) -> Tensor:
    """Σ = α (D - c I/2) + β S:E - 2ζβ (D·D - S:D), with S = ∫pppp Ψ by sums over angles: (nx, ny, 2, 2)."""
    theta, density = bingham_angles(second(d) / c)
    p = torch.stack([torch.cos(theta), torch.sin(theta)], -1)
    fourth = torch.einsum("...a,ai,aj,ak,al->...ijkl", density * c[..., None], p, p, p, p)
    contract = torch.einsum("...ijkl,...kl->...ij", fourth, BETA * strain + 2 * zeta * BETA * d)
    isotropic = c[..., None, None] / 2 * torch.eye(2, dtype=c.dtype)
    return alpha * (d - isotropic) + contract - 2 * zeta * BETA * d @ d


def rate(field: Tensor, dt: float) -> Tensor:
    """∂ₜf at frames 2 to T-3 by the central difference of 4th order; ``field`` is (B, T, ...)."""
    f = [field[:, i : field.shape[1] - 4 + i] for i in range(5)]
    return (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * dt)


def error(a: Tensor, b: Tensor) -> float:
    """Relative root-mean-square difference over everything."""
    return float((a - b).norm() / b.norm())


def frame(result: Trajectories, index: int) -> dict[str, Tensor]:
    """What a restart needs of one frame of every trajectory."""
    return {name: result.fields[name][:, index] for name in MATTER.initial_fields}


def transform(fields: dict[str, Tensor], matrix: Tensor) -> dict[str, Tensor]:
    """Fields seen after the signed permutation ``matrix`` of space, x' = matrix x: f'(x') = f(x), u' = matrix u, ...

    Fields are (..., nx, ny) followed by component axes, on square grids.
    """
    out = {}
    for name, value in fields.items():
        order = MATTER.fields[[field.name for field in MATTER.fields].index(name)].order
        grid = value.dim() - order - 2
        if float(matrix[0, 0]) == 0:
            value = value.transpose(grid, grid + 1)
        for axis in range(2):
            if float(matrix[axis].sum()) < 0:
                value = value.flip(grid + axis).roll(1, grid + axis)
        if order == 1:
            value = torch.einsum("ij,...j->...i", matrix, value)
        if order == 2:
            value = torch.einsum("ij,...jk,lk->...il", matrix, value, matrix)
        out[name] = value
    return out


def rms(values: Tensor) -> Tensor:
    """Root mean square over trajectories, frames and grid of (B, T, nx, ny, ...), per component."""
    return values.double().square().mean((0, 1, 2, 3)).sqrt()

"""Runs and exact fields for the tests of the linear systems."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from physrep.systems import System, Trajectories
from physrep.systems.linear.advection_diffusion import AdvectionDiffusion
from physrep.systems.linear.damped_wave import DampedWave
from physrep.systems.linear.heat import Heat, HeatFixedEdges

HEAT, FIXED, ADVECTION, WAVE = Heat(), HeatFixedEdges(), AdvectionDiffusion(), DampedWave()
ALL = (HEAT, FIXED, ADVECTION, WAVE)


def run(system: System, parameters: dict[str, float | list[float]], seeds=(0,), **options) -> Trajectories:
    """Simulate with scalars or lists of parameters, in float64 unless told otherwise."""
    count = len(next(iter(options["initial"].values()))) if "initial" in options else len(seeds)
    values = {
        name: torch.as_tensor(value, dtype=torch.float64).expand(count).clone() for name, value in parameters.items()
    }
    result = system.simulate(values, list(seeds), **{"dtype": torch.float64, **options})
    assert not result.failed
    return result


def points(system: System, resolution) -> tuple[Tensor, Tensor]:
    """Coordinates x, y as grids (nx, ny)."""
    x, y = system.grid(resolution).values()
    return tuple(torch.meshgrid(x, y, indexing="ij"))


def gaussian(x: Tensor, y: Tensor, centre: tuple[float, float], variance: float, start_variance: float) -> Tensor:
    """A periodic Gaussian that started with height 1 and has spread to ``variance``, with images."""
    out = torch.ones_like(x)
    for axis, position in ((x, centre[0]), (y, centre[1])):
        images = [torch.exp(-((axis - position - shift) ** 2) / (2 * variance)) for shift in range(-6, 7)]
        out = out * torch.stack(images).sum(0)
    return out * start_variance / variance


def middle(system: System, count: int) -> dict[str, Tensor]:
    """Different parameters for each of ``count`` trajectories."""
    return system.draw_parameters(range(50, 50 + count), system.resolution)


def error(a: Tensor, b: Tensor) -> float:
    """Relative root-mean-square difference over everything."""
    return float((a - b).norm() / b.norm())


def shift(field: Tensor, displacement: tuple[float, float]) -> Tensor:
    """A periodic field of the unit box (..., n, n), n odd, moved by any distance: written with a full FFT."""
    n = field.shape[-1]
    k = 2 * math.pi * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
    phase = torch.exp(-1j * (k[:, None] * displacement[0] + k[None, :] * displacement[1]))
    return torch.fft.ifft2(torch.fft.fft2(field) * phase).real

"""Small boxes and runs for the Gray-Scott tests."""

from __future__ import annotations

import torch
from torch import Tensor

from physrep.systems import Trajectories
from physrep.systems.gray_scott.solver import GrayScottSolver
from physrep.systems.gray_scott.system import DIFFUSIVITIES, GrayScott, GrayScott3D
from physrep.systems.grids.fourier_grid import FourierGrid


class Quarter(GrayScott):
    """The same system in a box of half the side, so that 64 x 64 points resolve it."""

    lengths = (1.0, 1.0)
    origin = (-0.5, -0.5)
    resolution = (64, 64)


FLAT, QUARTER, CUBE = GrayScott(), Quarter(), GrayScott3D()


def run(F, k, seeds=(0,), system=QUARTER, **options) -> Trajectories:
    """Simulate with scalars or lists of parameters, in float64 unless told otherwise."""
    count = len(next(iter(options["initial"].values()))) if "initial" in options else len(seeds)
    parameters = {
        name: torch.as_tensor(value, dtype=torch.float64).expand(count).clone() for name, value in (("F", F), ("k", k))
    }
    return system.simulate(parameters, list(seeds), **{"dtype": torch.float64, **options})


def solver(F: float, k: float, fields: Tensor, length: float, max_dt: float | None = None) -> GrayScottSolver:
    """The bare solver on a box of equal sides; ``fields`` (B, 2, *S)."""
    shape = tuple(fields.shape[2:])
    parameters = {name: torch.full((len(fields),), value, dtype=torch.float64) for name, value in (("F", F), ("k", k))}
    return GrayScottSolver(
        FourierGrid(shape, (length,) * len(shape)), parameters, DIFFUSIVITIES, fields, torch.float64, max_dt
    )


def soft_start(shape: tuple[int, ...]) -> Tensor:
    """Smooth A and B with B of at most 0.5, (1, 2, *shape)."""
    axes = [2 * torch.pi * torch.arange(n, dtype=torch.float64) / n for n in shape]
    grids = torch.meshgrid(*axes, indexing="ij")
    b = torch.ones(shape, dtype=torch.float64)
    for number, x in enumerate(grids):
        b = b * torch.exp(1.2 * (torch.cos(x - number) - 1))
    return torch.stack([1 - 0.9 * b, 0.5 * b])[None]


def error(a: Tensor, b: Tensor) -> float:
    """Relative root-mean-square difference over everything."""
    return float((a - b).norm() / b.norm())

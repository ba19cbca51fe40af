"""Runs and an independent spectral calculus for the shear-flow tests."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from physrep.systems import SYSTEMS, Trajectories
from tests.helpers.spectral_calculus import spectral_derivative, spectral_laplacian

FLOW = SYSTEMS["shear_flow"]
derivative = partial(spectral_derivative, lengths=(1.0, 2.0))
laplacian = partial(spectral_laplacian, lengths=(1.0, 2.0))


def run(reynolds, schmidt, seeds=(0,), **options) -> Trajectories:
    """Simulate with scalars or lists of parameters, in float64 unless told otherwise."""
    count = options["initial"]["tracer"].shape[0] if "initial" in options else len(seeds)
    parameters = {
        "Reynolds": torch.as_tensor(reynolds, dtype=torch.float64).expand(count),
        "Schmidt": torch.as_tensor(schmidt, dtype=torch.float64).expand(count),
    }
    result = FLOW.simulate(parameters, list(seeds), **{"dtype": torch.float64, **options})
    assert not result.failed
    return result


def points(resolution) -> tuple[Tensor, Tensor]:
    """Coordinates x, y as grids (nx, ny)."""
    x, y = FLOW.grid(resolution).values()
    return tuple(torch.meshgrid(x, y, indexing="ij"))


def advection(result: Trajectories, field: Tensor) -> Tensor:
    """u·∇f."""
    u, w = result.fields["velocity"].unbind(-1)
    return u * derivative(field, "x") + w * derivative(field, "y")


def rate(field: Tensor, dt: float) -> Tensor:
    """∂ₜf at frames 2 to T-3 by the central difference of 4th order; ``field`` is (B, T, ...)."""
    f = [field[:, i : field.shape[1] - 4 + i] for i in range(5)]
    return (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * dt)


def integral(values: Tensor, dt: float) -> Tensor:
    """Simpson's rule over the frames of (B, T), T odd."""
    return dt / 3 * (values[:, :-2:2] + 4 * values[:, 1:-1:2] + values[:, 2::2]).sum(1)


def mean(field: Tensor) -> Tensor:
    """Average over the grid of (..., nx, ny)."""
    return field.mean((-1, -2))


def error(a: Tensor, b: Tensor) -> float:
    """Relative root-mean-square difference over everything."""
    return float((a - b).norm() / b.norm())


def mirror(result: dict[str, Tensor], axis: str) -> dict[str, Tensor]:
    """Fields reflected along ``axis`` (x -> -x on the periodic grid), with the reflected vector component.

    Velocity is (..., nx, ny, 2), tracer and pressure (..., nx, ny).
    """
    dim = FLOW.axes.index(axis)
    out = {}
    for name, value in result.items():
        vector = name == "velocity"
        where = dim - 2 - vector
        out[name] = value.flip(where).roll(1, where)
        if vector:
            sign = torch.ones(2, dtype=value.dtype)
            sign[dim] = -1
            out[name] = out[name] * sign
    return out


def frame(result: Trajectories, index: int, names=("tracer", "velocity")) -> dict[str, Tensor]:
    """One frame of every trajectory."""
    return {name: result.fields[name][:, index] for name in names}

"""Runs and an independent Fourier-Chebyshev calculus (numpy's polynomials) for the Rayleigh-Bénard tests."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.polynomial import chebyshev
from torch import Tensor

from physrep.systems import Trajectories
from physrep.systems.grids.chebyshev import gauss, lobatto
from physrep.systems.rayleigh_benard.channel import Channel
from physrep.systems.rayleigh_benard.frames import FrameMaker
from physrep.systems.rayleigh_benard.initial import Start, coefficients
from physrep.systems.rayleigh_benard.solver import RayleighBenardSolver
from physrep.systems.rayleigh_benard.system import RayleighBenard
from physrep.systems.solver import record

CONVECTION = RayleighBenard()
ONSET = 1707.762
CRITICAL = 3.117
ROLL = 2 * math.pi / CRITICAL
"""Length of a box that holds one pair of rolls of the critical wavenumber."""


def columns(rayleigh, prandtl, count: int) -> dict[str, Tensor]:
    """Parameters for a batch from scalars or lists."""
    values = {"Rayleigh": rayleigh, "Prandtl": prandtl}
    return {name: torch.as_tensor(value, dtype=torch.float64).expand(count) for name, value in values.items()}


def run(rayleigh, prandtl=1.0, seeds=(0,), system=CONVECTION, **options) -> Trajectories:
    """Simulate with scalars or lists of parameters, in float64 unless told otherwise."""
    count = options["initial"]["buoyancy"].shape[0] if "initial" in options else len(seeds)
    result = system.simulate(columns(rayleigh, prandtl, count), list(seeds), **{"dtype": torch.float64, **options})
    assert not result.failed
    return result


def roll_box(rayleigh, amplitude: float, shape=(16, 16), prandtl=0.71, max_dt=None) -> RayleighBenardSolver:
    """A solver in a box of one roll pair, started from conduction with a roll in b of this amplitude."""
    channel = Channel(shape, ROLL, torch.float64)
    y = lobatto(shape[1])[1:-1]
    theta = torch.zeros(2, channel.modes, shape[1], dtype=torch.float64)
    theta[0, 1] = amplitude * torch.sin(math.pi * y)
    state = coefficients(Start(torch.zeros_like(theta), theta, torch.zeros_like(y)), channel)
    count = len(rayleigh)
    states = state.expand(count, *state.shape).clone()
    rows = FrameMaker(channel, gauss(shape[1]))
    return RayleighBenardSolver(channel, columns(rayleigh, prandtl, count), states, rows, max_dt)


def frames_of(solver: RayleighBenardSolver, frames: int, save_dt: float) -> dict[str, Tensor]:
    """Stored fields of a run that must not fail."""
    fields, failed = record(solver, frames, save_dt)
    assert not failed
    return fields


class Calculus:
    """Derivatives, integrals and wall values of fields (..., nx, n) on rows y, by polynomials through known walls."""

    def __init__(self, rows: Tensor, length: float = 4.0) -> None:
        self.y, self.length = rows.numpy(), length

    def polynomial(self, field: Tensor, walls: tuple[float, float] | None) -> np.ndarray:
        """Chebyshev coefficients (..., nx, m) of the polynomial through the rows (and the walls)."""
        s, values = 2 * self.y - 1, field.numpy()
        if walls is not None:
            s = np.concatenate([[-1.0], s, [1.0]])
            ends = [np.full((*values.shape[:-1], 1), wall) for wall in walls]
            values = np.concatenate([ends[0], values, ends[1]], -1)
        return np.linalg.solve(chebyshev.chebvander(s, len(s) - 1), values[..., None])[..., 0]

    def at(self, coefficients: np.ndarray, points) -> Tensor:
        """Values (..., nx, len(points)) at y = points."""
        vander = chebyshev.chebvander(2 * np.asarray(points) - 1, coefficients.shape[-1] - 1)
        return torch.from_numpy(coefficients @ vander.T)

    def d_dy(self, field: Tensor, walls: tuple[float, float] | None, order: int = 1, points=None) -> Tensor:
        """∂ʸ derivatives on the rows, or at other points such as the walls."""
        coefficients = np.moveaxis(chebyshev.chebder(self.polynomial(field, walls), order, scl=2, axis=-1), -1, -1)
        return self.at(coefficients, self.y if points is None else points)

    def d_dx(self, field: Tensor, order: int = 1) -> Tensor:
        """∂ₓ derivatives on the rows."""
        n = field.shape[-2]
        k = 2 * math.pi / self.length * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64)
        k[n // 2] = 0
        return torch.fft.ifft((1j * k[:, None]) ** order * torch.fft.fft(field, dim=-2), dim=-2).real

    def mean(self, *factors: tuple[Tensor, tuple[float, float] | None]) -> Tensor:
        """Volume average of a product of fields, by Gauss-Legendre quadrature of the polynomials: exact along y."""
        nodes, weights = np.polynomial.legendre.leggauss(2 * len(self.y))
        product = torch.ones(())
        for field, walls in factors:
            product = product * self.at(self.polynomial(field, walls), (nodes + 1) / 2)
        return (product * torch.from_numpy(weights / 2)).sum(-1).mean(-1)


ZERO, BUOYANCY = (0.0, 0.0), (1.0, 0.0)
"""Wall values (below, above) of a velocity component and of buoyancy."""


def heat_fluxes(fields: dict[str, Tensor], kappa, calculus: Calculus) -> tuple[Tensor, Tensor, Tensor]:
    """Nusselt numbers in the bulk, at the hot and at the cold wall, for every leading index."""
    b, w = fields["buoyancy"], fields["velocity"][..., 1]
    walls = -calculus.d_dy(b, BUOYANCY, points=[0.0, 1.0]).mean(-2)
    return calculus.mean((w, ZERO), (b, BUOYANCY)) / kappa + 1, walls[..., 0], walls[..., 1]


def integral(values: Tensor, dt: float) -> Tensor:
    """Simpson's rule over the frames of (B, T), T odd."""
    return dt / 3 * (values[:, :-2:2] + 4 * values[:, 1:-1:2] + values[:, 2::2]).sum(1)


def rate(field: Tensor, dt: float) -> Tensor:
    """∂ₜf at frames 2 to T-3 by the central difference of 4th order; ``field`` is (B, T, ...)."""
    f = [field[:, i : field.shape[1] - 4 + i] for i in range(5)]
    return (f[0] - 8 * f[1] + 8 * f[3] - f[4]) / (12 * dt)


def error(a: Tensor, b: Tensor) -> float:
    """Relative root-mean-square difference over everything."""
    return float((a - b).norm() / b.norm())


def frame(result: Trajectories, index: int, names=("buoyancy", "velocity")) -> dict[str, Tensor]:
    """One frame of every trajectory."""
    return {name: result.fields[name][:, index] for name in names}

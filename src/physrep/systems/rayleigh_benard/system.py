r"""Rayleigh-Bénard convection: a fluid layer heated from below, between two no-slip walls.

    ∂ₜu + (u·∇)u = -∇p + ν ∇²u + b e_y       ∇·u = 0        ∫p = 0
    ∂ₜb + (u·∇)b = κ ∇²b                     ν = (Pr/Ra)^½   κ = (Ra Pr)^-½

Symbols: u = (u_x, u_y) velocity, p pressure (density 1), b buoyancy (temperature), Ra Rayleigh number, Pr Prandtl
number.
Domain: x ∈ [0, 4), periodic, points x_i = 4 i/n_x; y ∈ [0, 1], walls: u = 0, b = 1 below, b = 0 above. Rows of
`rayleigh_benard` are the Chebyshev-Gauss points y_j = (1 - cos(π (j + ½)/n_y))/2, close together at the walls; those of
`rayleigh_benard_uniform` are y_j = (j + ½)/n_y. No row lies on a wall.
Units: height of the layer, its buoyancy difference, and the free-fall time that follows from them.

Method: vorticity ω and streamfunction (u_x = ∂_y ψ, u_y = -∂ₓψ, ∇²ψ = -ω), Fourier modes (2/3 rule) along x, Chebyshev
collocation on Gauss-Lobatto points along y, so that ∇·u = 0 to rounding; the mean flow U(y) apart (no mean pressure
gradient). No-slip by an influence matrix. Time by the third-order Runge-Kutta/Crank-Nicolson scheme of Spalart, Moser
and Rogers: advection and buoyancy explicit, viscosity and conduction implicit; second order. d²/dy² is diagonalised
once: an implicit step is a division, with parameters and time step of its own for every trajectory. Fields are stored
by evaluating the polynomials on the rows.

Good values: Ra 10⁴ to 6·10⁵ and Pr 0.2 to 5 on 128 x 32 points; convection sets in at Ra = 1708. `resolved_ranges`
tells what a grid resolves.

References:
    The Well (Ohana et al., 2024), data set rayleigh_benard: https://arxiv.org/abs/2412.00568
    Spalart, Moser and Rogers, Spectral methods for the Navier-Stokes equations with one infinite and two periodic
    directions, J. Comput. Phys. 96 (1991) 297, for the time scheme.
    Daube, Resolution of the 2D Navier-Stokes equations in velocity-vorticity form by means of an influence matrix
    technique, J. Comput. Phys. 103 (1992) 402.
    Chandrasekhar, Hydrodynamic and Hydromagnetic Stability (1961), for the onset.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..base import System
from ..description import Field, Parameter
from ..grids.chebyshev import cell_centres, gauss
from ..solver import Setup
from .channel import Channel
from .frames import FrameMaker
from .given import starts
from .initial import FAMILIES, coefficients
from .solver import RayleighBenardSolver

LENGTHS = (4.0, 1.0)
"""Length of the box along x and height of the layer."""

RESOLVED_RAYLEIGH = 6e5
"""Largest Ra on 128 x 32 points; six times more for every doubling of the grid.

There, over `diverse` starts up to t = 12 and against a grid twice as fine, the relative error of buoyancy and velocity
is about 1 % (median; docs/systems).
"""


class RayleighBenard(System):
    """Rayleigh-Bénard convection on Chebyshev rows; see the module's docstring for equations and method."""

    name = "rayleigh_benard"
    fields = (Field("buoyancy"), Field("pressure"), Field("velocity", 1))
    parameters = (
        Parameter("Rayleigh", "Ra", 2e3, 1e10, "log", "1", "buoyancy over viscosity and conduction"),
        Parameter("Prandtl", "Pr", 0.2, 5.0, "log", "1", "viscosity over thermal diffusivity"),
    )
    axes = ("x", "y")
    lengths = LENGTHS
    origin = (0.0, 0.0)
    periodic = (True, False)
    mirrors = ("x",)
    resolution = (128, 32)
    frames = 81
    save_dt = 0.5
    initial_conditions = tuple(FAMILIES)
    initial_fields = ("buoyancy", "velocity")
    method = "physrep Fourier-Chebyshev vorticity-streamfunction, influence matrix, RK3/Crank-Nicolson"
    cache_points = 2**16
    unit_time = "free-fall time"
    unit_length = "layer height"
    rows: Callable[[int], Tensor] = staticmethod(gauss)

    def grid(self, resolution: Sequence[int]) -> dict[str, Tensor]:
        """x as in the periodic convention, y the stored rows; float64."""
        return {"x": super().grid(resolution)["x"], "y": self.rows(resolution[1])}

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """Pr keeps its prior; Ra ends at `RESOLVED_RAYLEIGH`, times 6 per doubling of the coarser direction."""
        rayleigh, prandtl = self.parameters
        low, high = self.default_ranges(resolution)["Rayleigh"]
        return {"Rayleigh": (min(rayleigh.low, low), high), "Prandtl": (prandtl.low, prandtl.high)}

    def default_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """Ra from 10⁴, well above the onset (or from a third of the upper end, on the coarsest grids)."""
        rayleigh, prandtl = self.parameters
        finer = min(resolution[0] / 128, resolution[1] / 32)
        high = min(rayleigh.high, RESOLVED_RAYLEIGH * 6 ** math.log2(finer))
        return {"Rayleigh": (min(1e4, high / 3), high), "Prandtl": (prandtl.low, prandtl.high)}

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> RayleighBenardSolver:
        """See `System.solver`."""
        shape = (setup.resolution[0], setup.resolution[1])
        channel = Channel(shape, LENGTHS[0], setup.dtype, setup.device)
        if initial is not None:
            begin = starts(initial, self.rows(initial["buoyancy"].shape[-1]), channel)
        else:
            begin = [FAMILIES[setup.initial_condition](seed, channel) for seed in seeds]
        state = torch.stack([coefficients(start, channel) for start in begin])
        return RayleighBenardSolver(channel, parameters, state, FrameMaker(channel, self.rows(shape[1])), setup.max_dt)


class RayleighBenardUniform(RayleighBenard):
    """Rayleigh-Bénard convection, the same solution on rows that are equally spaced."""

    name = "rayleigh_benard_uniform"
    rows = staticmethod(cell_centres)

r"""Heat conduction in two dimensions: diffusion of a temperature, integrated exactly.

    ∂ₜu = κ ∇²u

Symbols: u temperature, κ thermal diffusivity.
Domain: the unit square. `heat`: x, y ∈ [0, 1) periodic, points x_i = i/n_x, y_j = j/n_y. `heat_fixed_edges`:
u = 0 on all four edges (kept in contact with cold bodies), points in the middle of cells, x_i = (i + 1/2)/n_x and
y_j = (j + 1/2)/n_y; the edges are not stored. The spacing 1/n is the same in both.
Units: the side of the box is 1 and the unit of time is free; κ is in sides² per unit of time.

Method: every mode decays by itself, û_k(t) = û_k(0) exp(-κk²t): Fourier modes, or sine modes for fixed edges. There is
no time step; the error is that of rounding. `max_dt` has no effect. All modes of the grid are kept.

Good values: κ from 1e-4 to 1e-2: over the default t = 1 a Gaussian widens by √(2κt), 0.014 to 0.14. Every grid resolves
every κ; what it holds of the start is said in `initial`.

References:
    H. S. Carslaw, J. C. Jaeger, Conduction of Heat in Solids, 2nd ed., Oxford (1959).
    L. C. Evans, Partial Differential Equations, 2nd ed., AMS (2010), section 2.3: https://doi.org/10.1090/gsm/019
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..description import Field, Parameter
from ..grids.chebyshev import cell_centres
from ..grids.fourier_grid import FourierGrid
from ..grids.sine_grid import SineGrid, resample_sine
from ..solver import Setup
from .initial import fixed_start
from .solver import LinearSolver, decay, parameter_column
from .square import LinearSystem, periodic_fields

DIFFUSIVITY = Parameter("diffusivity", "κ", 1e-4, 1e-2, "log", "L²/T", "diffusivity")
"""Shared by heat and advection-diffusion."""


class Heat(LinearSystem):
    """Heat conduction in a periodic box; see the module's docstring for equation and method."""

    name = "heat"
    fields = (Field("temperature"),)
    parameters = (DIFFUSIVITY,)
    mirrors = ("x", "y")
    isotropic = True
    passive = ("temperature",)
    initial_fields = ("temperature",)

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> LinearSolver:
        """See `System.solver`."""
        grid = FourierGrid(setup.resolution, self.lengths, setup.device)
        start = periodic_fields(initial, "temperature", seeds, setup)
        rate = parameter_column(parameters["diffusivity"], grid.k2) * grid.k2
        return LinearSolver(grid, {"temperature": start}, lambda interval: decay(rate, interval), setup.dtype)


class HeatFixedEdges(Heat):
    """Heat conduction in a box whose edges are held at temperature 0; see the module's docstring."""

    name = "heat_fixed_edges"
    periodic = (False, False)
    passive = ()
    method = "physrep exact, sine modes"

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> LinearSolver:
        """See `System.solver`."""
        grid = SineGrid(setup.resolution, self.lengths, setup.device)
        if initial is None:
            start = torch.stack([fixed_start(setup.initial_condition, seed, setup.resolution) for seed in seeds])
        else:
            start = resample_sine(initial["temperature"].double(), setup.resolution)
        rate = parameter_column(parameters["diffusivity"], grid.k2) * grid.k2
        start = start.to(setup.device)
        return LinearSolver(grid, {"temperature": start}, lambda interval: decay(rate, interval), setup.dtype)

    def grid(self, resolution: Sequence[int]) -> dict[str, Tensor]:
        """Coordinates per axis, the middles of cells, float64."""
        return {
            axis: cell_centres(n, 0.0, length)
            for axis, length, n in zip(self.axes, self.lengths, resolution, strict=True)
        }

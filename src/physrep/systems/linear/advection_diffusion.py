r"""Advection and diffusion of a concentration by a uniform wind in two dimensions, integrated exactly.

    ∂ₜc + v·∇c = D ∇²c

Symbols: c concentration (deviation from a background, of either sign), v = (v_x, v_y) uniform velocity, D diffusivity.
Domain: x, y ∈ [0, 1) periodic, points x_i = i/n_x, y_j = j/n_y.
Units: the side of the box is 1 and the unit of time is free; velocities are in sides per unit of time, D in sides² per
unit of time.

Method: every Fourier mode moves and decays by itself, ĉ_k(t) = ĉ_k(0) exp(-(i k·v + D k²) t), for any real velocity.
There is no time step; the error is that of rounding. `max_dt` has no effect. All modes are kept; the Nyquist mode of an
even axis, which stands for both directions at once, diffuses but does not move along that axis, so that fields stay
real and a stored frame can be continued exactly.

Good values: v_x, v_y in ±1 (the box is crossed at most once during the default t = 1, 1.3 grid spacings per frame) and
D from 1e-4 to 1e-2. The parameters of the wind are its components: they are linear in the data and, unlike an angle,
have no seam; speeds below the grid's spacing per clip are seen as well, because the phase is exact. Every grid resolves
every value.

References:
    J. Crank, The Mathematics of Diffusion, 2nd ed., Oxford (1975).
    C. Canuto, M. Y. Hussaini, A. Quarteroni, T. A. Zang, Spectral Methods: Fundamentals in Single Domains, Springer
    (2006), for the Nyquist mode: https://doi.org/10.1007/978-3-540-30726-6
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..description import Field, Parameter
from ..grids.fourier_grid import FourierGrid
from ..solver import Setup
from .heat import DIFFUSIVITY
from .solver import LinearSolver, decay, parameter_column
from .square import LinearSystem, periodic_fields


class AdvectionDiffusion(LinearSystem):
    """Advection and diffusion by a uniform wind; see the module's docstring for equation and method."""

    name = "advection_diffusion"
    fields = (Field("concentration"),)
    parameters = (
        Parameter("velocity_x", "v_x", -1.0, 1.0, "linear", "L/T", "wind along x"),
        Parameter("velocity_y", "v_y", -1.0, 1.0, "linear", "L/T", "wind along y"),
        Parameter("diffusivity", "D", DIFFUSIVITY.low, DIFFUSIVITY.high, "log", "L²/T", "diffusivity"),
    )
    passive = ("concentration",)
    initial_fields = ("concentration",)

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> LinearSolver:
        """See `System.solver`."""
        grid = FourierGrid(setup.resolution, self.lengths, setup.device)
        start = periodic_fields(initial, "concentration", seeds, setup)
        rate = parameter_column(parameters["diffusivity"], grid.k2) * grid.k2
        for component, k in zip(("velocity_x", "velocity_y"), grid.advecting, strict=True):
            rate = rate + 1j * parameter_column(parameters[component], grid.k2) * k
        return LinearSolver(grid, {"concentration": start}, lambda interval: decay(rate, interval), setup.dtype)

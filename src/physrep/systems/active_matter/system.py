r"""Suspension of active rods in two dimensions: an active nematic in a Stokes flow.

Ψ(x, y, θ, t) is the number density of rods at a place and with a direction p = (cos θ, sin θ):

    ∂ₜΨ + ∇·(u Ψ) + ∂_θ(θ' Ψ) = d_T ∇²Ψ + d_R ∂_θ²Ψ,      p' = (I - pp)·(∇u + 2ζ D)·p
    -∇²u + ∇P = ∇·Σ,   ∇·u = 0,      Σ = α (D - c I/2) + β S:E - 2ζβ (D·D - S:D)

Symbols: c = ∫Ψ dθ concentration (mean 1), D = ∫pp Ψ dθ second moment (trace c), S = ∫pppp Ψ dθ fourth moment,
u = (u_x, u_y) velocity (mean 0), E = (∇u + ∇uᵀ)/2 strain (trace 0), P pressure; α strength of the active dipoles
(negative: rods push along their axis), ζ strength of steric alignment, β = 0.8 shape, d_T = d_R = 0.05 diffusivities.
Domain: x, y ∈ [0, L), L = 10, periodic; grid points x_i = L i/n_x, y_j = L j/n_y. D and E are stored with all four
entries, [..., row, column].
Units: viscosity 1 and mean concentration 1, lengths in a tenth of the box; α, ζ and d_R are rates in the same unit.

Method: angular moments A_n = ∫Ψ exp(inθ) dθ for even n, with A₀ = c and A₂ = (D_xx - D_yy) + 2i D_xy. With the strain
e = E_xx + i E_xy, the spin w = (∂ₓu_y - ∂_y u_x)/2 and G = e + ζ A₂ the kinetic equation is exactly

    ∂ₜA_n + ∇·(u A_n) = i n w A_n + (n/2) (G A_{n-2} - conj(G) A_{n+2}) + d_T ∇²A_n - n² d_R A_n

and Σ is, but for a part that only changes the pressure, α A₂/2 + β/4 [c (e - ζ A₂) + conj(e + ζ A₂) A₄].

Two models (option ``model``):

- ``bingham`` (default) integrates c and A₂ alone; A₄ = c h(|A₂|²/c²) (A₂/c)² is the Bingham closure, the moment of the
  most random distribution with that A₂. It is a reduced model, not the kinetic equation above: about isotropy both have
  the same linear growth, then order and flow of the closure run ahead by some 10 %; statistics agree, tracks do not.
- ``kinetic`` integrates A₀ to A_2M (M = 24 on 64 points per side, in proportion on other grids), which is the kinetic
  equation to the accuracy of the truncation. On 64 x 64 points it costs 25 to 40 times as much, and it needs a finer
  grid: A_2m winds m times as fast around a defect as the director does. Coarse grids lose positivity (|A₂| > c) and
  blow up whatever the time step or M; so ζ above 3 (n/64)² is refused. A start from stored fields takes the moments
  from A₄ on, which are not stored, from the Bingham distribution.

Space: Fourier with the 2/3 rule; the flow is a streamfunction, so that ∇·u = 0 to rounding. The strain in S:E is found
by a fixed-point iteration whose error falls about tenfold per sweep: to rounding in stored frames, one sweep from an
extrapolation at every stage in between. Time: diffusion is exact (integrating factor), the rest is explicit, classical
Runge-Kutta of 4th order (2nd order in the limit of small steps, by those sweeps, with a small constant); each
trajectory takes its own number of steps per stored frame.

Good values: α -5 to -1 and ζ 0.25 to 5 on 64 x 64 points, to 17 on 128 x 128. A uniform isotropic suspension grows as
σ = ζ - 4d_R - d_T k², and across the wavevector faster by (βζ - 2α)/(8 + β): it is a nematic above ζ = 0.2.
Mirrors and rotations by 90 degrees map solutions to solutions. There is no boost: the state fixes the flow.
The Well's data set holds a third scalar, ``L``, which is always 10.

References:
    Maddu, Weady and Shelley, Learning fast, accurate, and stable closures of a kinetic theory of an active fluid,
    J. Comput. Phys. 504 (2024): https://arxiv.org/abs/2308.06675
    Gao, Betterton, Jhang and Shelley, Analytical structure, dynamics, and coarse graining of a kinetic model of an
    active fluid, Phys. Rev. Fluids 2 (2017): https://arxiv.org/abs/1703.00969
    The Well (Ohana et al., 2024), data set active_matter: https://arxiv.org/abs/2412.00568
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ...errors import PhysrepError
from ..base import System
from ..description import Field, Parameter
from ..grids.fourier_box import FourierBox
from ..solver import Setup
from .initial import FAMILIES, from_fields
from .moments import AngularModel, Bingham, Kinetic
from .solver import ActiveMatterSolver

LENGTH = 10.0
"""Side length L of the box."""

RESOLVED_ZETA = {"bingham": 5.0, "kinetic": 3.0}
"""Largest ζ of each model on 64 points per side; it grows as the square of the grid, since a defect's core has the size
√(d_T/ζ) (docs/systems)."""

RESOLVED_ALPHA = -5.0
"""Strongest α on 64 points per side; it grows as the square root of the grid (docs/systems)."""

MOMENTS = 24
"""Complex moments of the kinetic model on 64 points per side; |A_2m| falls as exp(-m² d_R/|G|), so M grows as √ζ."""


def kinetic_moments(resolution: Sequence[int]) -> int:
    """Number of complex moments M of the kinetic model on a grid."""
    return max(8, round(MOMENTS * min(resolution) / 64))


class ActiveMatter(System):
    """Active matter; see the module's docstring for equations and method."""

    name = "active_matter"
    fields = (Field("concentration"), Field("velocity", 1), Field("D", 2), Field("E", 2))
    parameters = (
        Parameter("alpha", "α", -5.0, -1.0, "linear", "1", "active dipole strength"),
        Parameter("zeta", "ζ", 0.25, 17.0, "linear", "1", "steric alignment strength"),
    )
    axes = ("x", "y")
    lengths = (LENGTH, LENGTH)
    origin = (0.0, 0.0)
    periodic = (True, True)
    mirrors = ("x", "y")
    isotropic = True
    resolution = (64, 64)
    frames = 81
    save_dt = 0.25
    initial_conditions = tuple(FAMILIES)
    initial_fields = ("concentration", "D")
    options = {"model": ("bingham", "kinetic")}  # noqa: RUF012 - a constant of the class
    method = "physrep Fourier streamfunction, angular moments, integrating-factor RK4"

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """ζ of the Bingham model ends where the cores of defects, α where the layers that flow draws out get too thin.

        Where the grid is so coarse that nothing of ζ's prior is left, its lower end is half of the upper one.
        """
        alpha, zeta = self.parameters
        finer = min(resolution) / 64
        strongest = max(alpha.low, min(2 * alpha.high, RESOLVED_ALPHA * finer**0.5))
        highest = min(zeta.high, RESOLVED_ZETA["bingham"] * finer**2)
        return {"alpha": (strongest, alpha.high), "zeta": (min(zeta.low, highest / 2), highest)}

    def option_limits(self, resolution: Sequence[int], options: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
        """The kinetic model needs a finer grid than the closure for the same ζ."""
        if options["model"] != "kinetic":
            return {}
        return {"zeta": (0.0, RESOLVED_ZETA["kinetic"] * (min(resolution) / 64) ** 2)}

    def attributes(self, setup: Setup) -> dict[str, Any]:
        """See `System.attributes`; names the angular model in words."""
        moments = kinetic_moments(setup.resolution)
        words = {
            "bingham": "Bingham closure: c and A2 are integrated, A4 is closed",
            "kinetic": f"kinetic equation, angular moments up to A{2 * moments}",
        }
        return {**super().attributes(setup), "angular_model": words[setup.options["model"]]}

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> ActiveMatterSolver:
        """See `System.solver`.

        Raises:
            PhysrepError: ζ is above what the kinetic model can do on this grid.
        """
        box = FourierBox((setup.resolution[0], setup.resolution[1]), (LENGTH, LENGTH), setup.dtype, setup.device)
        if setup.options["model"] == "bingham":
            model: AngularModel = Bingham(setup.dtype, setup.device)
        else:
            highest = self.option_limits(setup.resolution, setup.options)["zeta"][1]
            if float(parameters["zeta"].max()) > highest * (1 + 1e-9):
                raise PhysrepError(
                    f"{self.name}: the kinetic model on {'x'.join(map(str, setup.resolution))} points resolves zeta up "
                    f"to {highest:.4g}, not {float(parameters['zeta'].max()):.4g}; take a finer grid or model bingham."
                )
            model = Kinetic(kinetic_moments(setup.resolution), setup.dtype, setup.device)
        if initial is not None:
            state = from_fields(initial["concentration"], initial["D"], box, model.count)
        else:
            # Drawn in float64 on the CPU one seed at a time: the same start on every device, in every batch.
            family = FAMILIES[setup.initial_condition]
            state = torch.stack([family(seed, box, model.count) for seed in seeds])
        state = state.to(box.kx.device, torch.promote_types(box.kx.dtype, torch.complex64))
        return ActiveMatterSolver(box, model, parameters, state, setup.max_dt)

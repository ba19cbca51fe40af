r"""Two-dimensional incompressible shear flow that carries a passive tracer.

    ∂ₜu + (u·∇)u = -∇p + ν ∇²u        ∇·u = 0        ∫p = 0
    ∂ₜs + (u·∇)s = D ∇²s              ν = 1/Re       D = ν/Sc

Symbols: u = (u_x, u_y) velocity, p pressure (density 1), s tracer, Re Reynolds number, Sc Schmidt number.
Domain: x ∈ [0, 1), y ∈ [-1, 1), periodic in both; grid points x_i = i/n_x, y_j = -1 + 2j/n_y.
Units: the velocity jump across a layer and the length of the box along x are 1, so a time unit is one box crossing.

Method: vorticity ω = ∂ₓu_y - ∂_y u_x and streamfunction (u_x = ∂_y ψ, u_y = -∂ₓψ, ∇²ψ = -ω) in dealiased Fourier space,
so that ∇·u = 0 to rounding. The mean flow is a constant of the motion: the fluctuation is integrated in the frame that
moves with it, and shifted by a phase when a frame is stored. Viscosity and diffusion are exact through the integrating
factor exp(-νk²t); advection is explicit, classical Runge-Kutta of 4th order. With

    ∂ₜω = (∂_y² - ∂ₓ²)(u_x u_y) - ∂ₓ∂_y (u_y² - u_x²) + ν∇²ω

a stage takes 3 inverse and 4 forward transforms. Each trajectory takes the longest step, a submultiple of the frame
interval, that keeps its Courant number Δt (k_x|u_x| + k_y|u_y|) below 2.4 (the method is stable to 2.8).

Good values: Re 160 to 1600 and Sc 0.2 to 2 on 64 x 128 points; `resolved_ranges` tells what a grid resolves.

References:
    The Well (Ohana et al., 2024), data set shear_flow: https://arxiv.org/abs/2412.00568
    Basdevant, Technical improvements for direct numerical simulation of homogeneous three-dimensional turbulence,
    J. Comput. Phys. 50 (1983), for the form of the nonlinear term.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..base import System
from ..description import Field, Parameter
from ..grids.fourier_box import FourierBox
from ..solver import Setup
from .initial import FAMILIES, resampled_coefficients
from .solver import ShearFlowSolver

LENGTHS = (1.0, 2.0)
"""Side lengths of the box."""

RESOLVED_RE_SC = 3200.0
"""Largest Re·max(1, Sc) on 64 x 128 points; it grows as the square of the grid.

There, over `diverse` starts and against a grid twice as fine, the tracer's relative error is 0.003 (median) and 0.021
(root mean square) at t = 0.5, where its filaments are thinnest, and 0.0006 and 0.003 at t = 4 (docs/systems).
"""


class ShearFlow(System):
    """Shear flow with a tracer; see the module's docstring for equations and method."""

    name = "shear_flow"
    fields = (Field("tracer"), Field("pressure"), Field("velocity", 1))
    parameters = (
        Parameter("Reynolds", "Re", 40.0, 1e5, "log", "1", "inverse viscosity"),
        Parameter("Schmidt", "Sc", 0.2, 2.0, "log", "1", "viscosity over tracer diffusivity"),
    )
    axes = ("x", "y")
    lengths = LENGTHS
    origin = (0.0, -1.0)
    periodic = (True, True)
    mirrors = ("x", "y")
    boost = "velocity"
    passive = ("tracer",)
    resolution = (64, 128)
    frames = 101
    save_dt = 0.1
    initial_conditions = tuple(FAMILIES)
    initial_fields = ("tracer", "velocity")
    method = "physrep Fourier vorticity-streamfunction, integrating-factor RK4"

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """Sc keeps its prior; Re ends where Re·Sc_max reaches what the coarser direction resolves."""
        low, high = self.default_ranges(resolution)["Reynolds"]
        return {**self.default_ranges(resolution), "Reynolds": (min(self.parameters[0].low, low), high)}

    def default_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """Re over one decade below what the grid resolves: flows that live as long as they are watched."""
        reynolds, schmidt = self.parameters
        points_per_unit = min(n / length for n, length in zip(resolution, self.lengths, strict=True))
        high = min(reynolds.high, RESOLVED_RE_SC * (points_per_unit / 64) ** 2 / max(1.0, schmidt.high))
        return {"Reynolds": (high / 10, high), "Schmidt": (schmidt.low, schmidt.high)}

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> ShearFlowSolver:
        """See `System.solver`."""
        box = FourierBox((setup.resolution[0], setup.resolution[1]), LENGTHS, setup.dtype, setup.device)
        if initial is not None:
            fields = torch.stack([*initial["velocity"].unbind(-1), initial["tracer"]], 1).to(box.kx)
            u, w, s = resampled_coefficients(fields, box).unbind(1)
        else:
            # Drawn in float64 on the CPU one seed at a time: the same start on every device, in every batch.
            starts = torch.stack([FAMILIES[setup.initial_condition](seed, box) for seed in seeds])
            u, w, s = starts.to(box.kx.device, torch.promote_types(box.kx.dtype, torch.complex64)).unbind(1)
        # Taking the curl projects on divergence-free fields.
        vorticity = 1j * box.kx * w - 1j * box.ky * u
        mean = torch.stack([u[:, :1, :1].real, w[:, :1, :1].real], 1)
        return ShearFlowSolver(box, parameters, torch.stack([vorticity, s], 1) * box.mask, mean, setup.max_dt)

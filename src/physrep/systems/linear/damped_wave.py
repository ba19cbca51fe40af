r"""Damped waves in two dimensions (a membrane in a resisting medium), integrated exactly.

    ∂ₜ²u + γ ∂ₜu = c² ∇²u        or        ∂ₜu = w,   ∂ₜw = c² ∇²u - γ w

Symbols: u displacement, w = ∂ₜu its rate (stored, because a restart needs both), c wave speed, γ damping rate.
Domain: x, y ∈ [0, 1) periodic, points x_i = i/n_x, y_j = j/n_y.
Units: the side of the box is 1 and the unit of time is free; c is in sides per unit of time, γ per unit of time.

Method: every Fourier mode is a damped oscillator with the closed form of `linear_solver.damped_oscillation`: under-,
over- and critically damped (γ < 2ck, γ > 2ck, γ = 2ck) without cancellation between them. There is no time step; the
error is that of rounding. `max_dt` has no effect. All modes of the grid are kept. The mean displacement moves by its
own rate, ū(t) = ū(0) + w̄(0)(1 - e^{-γt})/γ, and the energy ½∫(w² + c²|∇u|²) falls at the rate γ∫w².

Good values: c from 0.3 to 1.5 and γ from 0.5 to 10 over the default t = 1. The longest waves (k = 2π) are overdamped
where γ > 4πc, which happens below c = 0.8; all others oscillate. Every grid resolves every value.

Initial conditions: the families of `initial` as displacements at rest, and `diverse_moving`, a `diverse`
displacement with a random rate of its own.

References:
    P. M. Morse, K. U. Ingard, Theoretical Acoustics, McGraw-Hill (1968), chapter 5.
    L. C. Evans, Partial Differential Equations, 2nd ed., AMS (2010), section 2.4: https://doi.org/10.1090/gsm/019
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ..description import Field, Parameter
from ..grids.fourier_grid import FourierGrid
from ..solver import Setup
from .initial import FAMILIES, random_rate
from .solver import LinearSolver, damped_oscillation, parameter_column
from .square import LinearSystem, periodic_fields

MOVING = "diverse_moving"
"""The family whose starts are not at rest."""


class DampedWave(LinearSystem):
    """Damped waves; see the module's docstring for equation and method."""

    name = "damped_wave"
    fields = (Field("displacement"), Field("displacement_rate"))
    parameters = (
        Parameter("wave_speed", "c", 0.3, 1.5, "log", "L/T", "speed of undamped waves"),
        Parameter("damping", "γ", 0.5, 10.0, "log", "1/T", "damping rate"),
    )
    mirrors = ("x", "y")
    isotropic = True
    initial_conditions = (*FAMILIES, MOVING)
    initial_fields = ("displacement", "displacement_rate")

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> LinearSolver:
        """See `System.solver`."""
        grid = FourierGrid(setup.resolution, self.lengths, setup.device)
        moving = initial is None and setup.initial_condition == MOVING
        family = replace(setup, initial_condition="diverse") if moving else setup
        start = {"displacement": periodic_fields(initial, "displacement", seeds, family)}
        if initial is not None:
            start["displacement_rate"] = periodic_fields(initial, "displacement_rate", seeds, setup)
        elif moving:
            rates = [random_rate(seed, setup.resolution) for seed in seeds]
            start["displacement_rate"] = torch.stack(rates).to(setup.device)
        else:
            start["displacement_rate"] = torch.zeros_like(start["displacement"])
        stiffness = parameter_column(parameters["wave_speed"], grid.k2) ** 2 * grid.k2
        damping = parameter_column(parameters["damping"], grid.k2)
        return LinearSolver(grid, start, lambda interval: damped_oscillation(stiffness, damping, interval), setup.dtype)

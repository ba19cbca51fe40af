r"""Vicsek's model in continuous time: self-propelled particles that align, as fields of density and polarisation.

    ∂ₜr_i = v e(θ_i)
    ∂ₜθ_i = Γ ⟨sin(θ_j - θ_i)⟩_{|r_j - r_i| < R} + √(2 D_r) ξ_i

Symbols: r_i position, θ_i direction, e(θ) = (cos θ, sin θ), Γ alignment, D_r rotational diffusion, ξ_i white noise
of unit strength, ⟨·⟩ the mean over the neighbours within R, i itself among them; v = 1 speed and R = 1 (fixed). Γ =
0 are active Brownian particles without alignment. Stored: density ρ(x, y) = Σ_i g(x - r_i) and polarization p = Σ_i
e(θ_i) g(x - r_i) with a Gaussian g of width 1/2 and integral 1, so that the mean of ρ is N/L² in every frame.
Domain: x, y ∈ [0, 16), periodic in both; grid points 16 i/n; N = 1024 particles, 4 per unit of area.
Units: the unit of length is R, that of time R/v; Γ and D_r are rates.
Method: Euler-Maruyama for the angles, positions along the mean direction of a step, steps of at most 0.1 and of at
most 0.2/Γ; neighbours by a k-d tree; float64. No closed equation of the fields is known that holds at all Γ and
D_r, so none can be regressed, and the positions are in no file: a run cannot go on from stored fields.

Good values: Γ 0.2 to 5 and D_r 0.05 to 1 lie on both sides of the onset of order, which the mean field puts at Γ =
2 D_r. 32 x 32 points hold the Gaussians; coarser grids do not. Symmetries hold for the law of the trajectories, not
for one noise.

References:
    T. Vicsek, A. Czirók, E. Ben-Jacob, I. Cohen, O. Shochet, Novel type of phase transition in a system of self-driven
    particles, Phys. Rev. Lett. 75 (1995) 1226: https://doi.org/10.1103/PhysRevLett.75.1226
    F. Peruani, A. Deutsch, M. Bär, A mean-field theory for self-propelled particles interacting by velocity alignment
    mechanisms, Eur. Phys. J. Spec. Top. 157 (2008) 111: https://doi.org/10.1140/epjst/e2008-00634-x
    P. Romanczuk, M. Bär, W. Ebeling, B. Lindner, L. Schimansky-Geier, Active Brownian particles, Eur. Phys. J. Spec.
    Top. 202 (2012) 1: https://doi.org/10.1140/epjst/e2012-01529-y
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ..base import System
from ..description import Field, Parameter, trajectory_seed
from ..solver import Setup, Solver
from .particles import Particles

LENGTH, NUMBER, SPEED, RADIUS, WIDTH = 16.0, 1024, 1.0, 1.0, 0.5
"""Side of the square, particles, their speed, radius of the neighbourhood, width of a particle in the fields."""
LONGEST_STEP, LARGEST_TURN = 0.1, 0.2
"""Largest step in time, and largest Γ dt."""


class Vicsek(System):
    """Aligning self-propelled particles; see the module's docstring for equations and method."""

    name = "vicsek"
    fields = (Field("density"), Field("polarization", 1))
    parameters = (
        Parameter("alignment", "Γ", 0.2, 5.0, "log", "v/R", "rate of alignment with the neighbours"),
        Parameter("rotational_diffusion", "D_r", 0.05, 1.0, "log", "v/R", "rotational diffusion"),
    )
    axes = ("x", "y")
    lengths = (LENGTH, LENGTH)
    origin = (0.0, 0.0)
    periodic = (True, True)
    mirrors = ("x", "y")
    isotropic = True
    restartable = False
    resolution = (32, 32)
    frames = 41
    save_dt = 0.5
    initial_conditions = ("disordered", "ordered")
    initial_fields = ()
    method = "physrep particles, Euler-Maruyama, Gaussian rendering"
    unit_time, unit_length = "R/v", "R"

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """The whole prior: the particles know no grid. Whether it holds their pictures, `check_ranges` says."""
        return self.priors()

    def check_ranges(self, resolution: Sequence[int], ranges: dict[str, Sequence[float]]) -> str | None:
        """See `System.check_ranges`; a grid that is coarser than the width of a particle resolves nothing."""
        needed = math.ceil(LENGTH / WIDTH)
        if min(resolution) < needed:
            return (
                f"{self.name} at {'x'.join(map(str, resolution))} points does not resolve its particles "
                f"({needed}x{needed} would)"
            )
        return super().check_ranges(resolution, ranges)

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> VicsekSolver:
        """See `System.solver`; it computes on the CPU whatever the device."""
        grid = self.grid(setup.resolution)
        own = zip(seeds, *(parameters[p.name].tolist() for p in self.parameters), strict=True)
        flocks = [flock(seed, setup.initial_condition, alignment, diffusion) for seed, alignment, diffusion in own]
        return VicsekSolver(flocks, (grid["x"].numpy(), grid["y"].numpy()), setup)


def flock(seed: int, family: str, alignment: float, rotational_diffusion: float) -> Particles:
    """The particles of a trajectory at t = 0: anywhere, and with any direction or (`ordered`) all with the same."""
    start = np.random.default_rng(trajectory_seed(seed, "start"))
    positions = start.uniform(0, LENGTH, (NUMBER, 2))
    angles = start.uniform(0, 2 * math.pi, 1 if family == "ordered" else NUMBER)
    noise = np.random.default_rng(trajectory_seed(seed, "noise"))
    return Particles(
        positions, np.broadcast_to(angles, NUMBER).copy(), LENGTH, SPEED, alignment, rotational_diffusion, RADIUS, noise
    )


class VicsekSolver(Solver):
    """A batch of flocks, one after the other: their numbers of steps differ.

    Args:
        flocks: of the trajectories.
        coordinates: of the grid.
        setup: type of the fields, and the largest step.
    """

    def __init__(self, flocks: list[Particles], coordinates: tuple[np.ndarray, np.ndarray], setup: Setup) -> None:
        self.flocks, self.coordinates, self.setup = flocks, coordinates, setup
        self.resting: set[int] = set()

    def snapshot(self) -> dict[str, Tensor]:
        density, polarization = zip(*(own.rendered(self.coordinates, WIDTH) for own in self.flocks), strict=True)
        return {
            "density": torch.from_numpy(np.stack(density)).to(self.setup.dtype),
            "polarization": torch.from_numpy(np.stack(polarization)).to(self.setup.dtype),
        }

    def advance(self, interval: float) -> None:
        for row, own in enumerate(self.flocks):
            if row not in self.resting:
                longest = min(LONGEST_STEP, LARGEST_TURN / max(own.alignment, 1e-12), self.setup.max_dt or math.inf)
                steps = math.ceil(interval / longest * (1 - 1e-9))
                for _ in range(steps):
                    own.step(interval / steps)

    def faults(self) -> dict[int, str]:
        return {row: "not finite" for row, own in enumerate(self.flocks) if not np.isfinite(own.angles).all()}

    def rest(self, rows: Sequence[int]) -> None:
        for row in rows:
            self.resting.add(row)
            self.flocks[row].angles = np.zeros_like(self.flocks[row].angles)
            self.flocks[row].positions = np.zeros_like(self.flocks[row].positions)

r"""The Gray-Scott reaction in two and three dimensions: a substrate A feeds an autocatalyst B, A + 2B → 3B.

    ∂ₜA = δ_A ∇²A - A B² + F (1 - A)
    ∂ₜB = δ_B ∇²B + A B² - (F + k) B

Symbols: A, B concentrations, F feed rate, k kill rate; δ_A = 2·10⁻⁵ and δ_B = 10⁻⁵ diffusivities (fixed).
Domain: `gray_scott`: x, y ∈ [-1, 1), `gray_scott_3d`: x, y, z ∈ [-3/8, 3/8); periodic, points -L/2 + L i/n. The cube is
smaller because patterns need 64 points per unit length: 48³ points hold 2 to 5 wavelengths per side.
Units: those of The Well (its data set gray_scott_reaction_diffusion): concentrations in units of the fed substrate,
the unit of time is that of the reaction A B², the half side of the square is 1.

Method: Fourier modes, all of them, with the reaction evaluated on the grid; ETDRK4 in time, which integrates diffusion,
feeding and decay exactly and keeps steady states (`solver`). Steps of at most 2, shorter while B is high.

Good values: patterns live in a narrow band of k around √F/2 - F, above which A = 1, B = 0 is the only uniform state.
`draw_parameters` draws F log-uniformly in [0.014, 0.1] and k uniformly in the band [k_low, k_high] of `wave_band`(F);
outside of it most starts die out or become uniform. A grid with less than 64 points per unit length (128 x 128 in two
dimensions, 48³ in three) does not resolve the fronts of width √(δ_B/(F + k)): `check_ranges` says so.

References:
    P. Gray, S. K. Scott, Autocatalytic reactions in the isothermal, continuous stirred tank reactor, Chem. Eng. Sci. 39
    (1984) 1087: https://doi.org/10.1016/0009-2509(84)87017-7
    J. E. Pearson, Complex patterns in a simple system, Science 261 (1993) 189: https://arxiv.org/abs/patt-sol/9304003
    S. M. Cox, P. C. Matthews, Exponential time differencing for stiff systems, J. Comput. Phys. 176 (2002) 430.
    The Well (Ohana et al., 2024): https://arxiv.org/abs/2412.00568
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import PhysrepError
from ..base import System
from ..description import Field, Parameter, trajectory_seed
from ..grids.fourier_grid import FourierGrid, resample
from ..solver import Setup
from .initial import FAMILIES, initial_state
from .solver import GrayScottSolver

DIFFUSIVITIES = (2e-5, 1e-5)
"""δ_A and δ_B."""

POINTS_PER_UNIT = 64
"""The coarsest grid that resolves the patterns: on it B is right to 2 % at t = 200 (docs/systems)."""

BAND = (
    (0.0140, 4.0e-3, 8.85e-3),
    (0.0152, 2.5e-3, 8.0e-3),
    (0.0192, -2.0e-3, 7.5e-3),
    (0.0243, -2.0e-3, 6.0e-3),
    (0.0300, -1.5e-3, 5.4e-3),
    (0.0493, -1.5e-3, 3.5e-3),
    (0.0624, -1.5e-3, 2.5e-3),
    (0.0790, -2.0e-3, 2.0e-3),
    (0.1000, -3.0e-3, 1.0e-3),
)
"""F, and the edges of the pattern-forming band as distances of k from √F/2 - F; measured, see docs/systems."""


def wave_band(F: float) -> tuple[float, float]:
    """k_low and k_high at this F: `BAND` interpolated linearly in log F, and continued by its ends."""
    nodes = [node for node, *_ in BAND]
    inside = min(max(F, nodes[0]), nodes[-1])
    right = min(bisect.bisect_right(nodes, inside), len(nodes) - 1)
    share = math.log(inside / nodes[right - 1]) / math.log(nodes[right] / nodes[right - 1])
    saddle = math.sqrt(F) / 2 - F
    first, second = (
        saddle + (1 - share) * before + share * after
        for before, after in zip(BAND[right - 1][1:], BAND[right][1:], strict=True)
    )
    return first, second


class GrayScott(System):
    """The Gray-Scott reaction in two dimensions; see the module's docstring for equations and method."""

    name = "gray_scott"
    fields = (Field("A"), Field("B"))
    parameters = (
        Parameter("F", "F", 0.014, 0.1, "log", "1/T", "feed rate"),
        Parameter("k", "k", 0.046, 0.067, "linear", "1/T", "kill rate"),
    )
    axes = ("x", "y")
    lengths = (2.0, 2.0)
    origin = (-1.0, -1.0)
    periodic = (True, True)
    mirrors = ("x", "y")
    isotropic = True
    resolution = (128, 128)
    frames = 101
    save_dt = 20.0
    initial_conditions = tuple(FAMILIES)
    initial_fields = ("A", "B")
    method = "physrep Fourier, ETDRK4"

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """The whole prior: what a grid resolves hardly depends on F and k. Whether it does, `check_ranges` says."""
        return self.priors()

    def check_ranges(self, resolution: Sequence[int], ranges: dict[str, Sequence[float]]) -> str | None:
        """See `System.check_ranges`; a grid coarser than `POINTS_PER_UNIT` resolves no range at all."""
        needed = [math.ceil(POINTS_PER_UNIT * length) for length in self.lengths]
        if any(n < least for n, least in zip(resolution, needed, strict=True)):
            return (
                f"{self.name} at {'x'.join(map(str, resolution))} points does not resolve its fronts at any F and k "
                f"({'x'.join(map(str, needed))} would)"
            )
        return super().check_ranges(resolution, ranges)

    def draw_parameters(
        self, seeds: Sequence[int], resolution: Sequence[int], ranges: dict[str, Sequence[float]] | None = None
    ) -> dict[str, Tensor]:
        """F log-uniform in its range; k uniform where its range and the pattern-forming `wave_band` of that F overlap.

        Raises:
            PhysrepError: they do not overlap for an F that was drawn.
        """
        limits: dict[str, Sequence[float]] = {**self.resolved_ranges(resolution), **(ranges or {})}
        feeds, kills = [], []
        for seed in seeds:
            generator = torch.Generator().manual_seed(trajectory_seed(seed, "parameters"))
            first, second = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
            feed = self.parameters[0].draw(first, *limits["F"])
            edges = wave_band(feed)
            low, high = max(edges[0], limits["k"][0]), min(edges[1], limits["k"][1])
            if low > high:
                raise PhysrepError(
                    f"{self.name}: at F = {feed:.4g} patterns form for k in [{edges[0]:.4g}, {edges[1]:.4g}], which "
                    f"the range [{limits['k'][0]:.4g}, {limits['k'][1]:.4g}] misses; widen the range of k."
                )
            feeds.append(feed)
            kills.append(self.parameters[1].draw(second, low, high))
        return {"F": torch.tensor(feeds, dtype=torch.float64), "k": torch.tensor(kills, dtype=torch.float64)}

    def solver(
        self, parameters: dict[str, Tensor], seeds: Sequence[int], initial: dict[str, Tensor] | None, setup: Setup
    ) -> GrayScottSolver:
        """See `System.solver`."""
        grid = FourierGrid(setup.resolution, self.lengths, setup.device)
        if initial is not None:
            given = torch.stack([initial["A"], initial["B"]], 1).to(setup.device, torch.float64)
            fields = resample(given, setup.resolution)
        else:
            # Drawn in float64 on the CPU one seed at a time: the same start on every device, in every batch.
            pairs = zip(seeds, parameters["F"].tolist(), parameters["k"].tolist(), strict=True)
            family = setup.initial_condition
            starts = [initial_state(family, seed, F, k, self.lengths, setup.resolution) for seed, F, k in pairs]
            fields = torch.stack(starts).to(setup.device)
        return GrayScottSolver(grid, parameters, DIFFUSIVITIES, fields, setup.dtype, setup.max_dt)


class GrayScott3D(GrayScott):
    """The Gray-Scott reaction in three dimensions, by the same code; see the module's docstring."""

    name = "gray_scott_3d"
    axes = ("x", "y", "z")
    lengths = (0.75, 0.75, 0.75)
    origin = (-0.375, -0.375, -0.375)
    periodic = (True, True, True)
    mirrors = ("x", "y", "z")
    resolution = (48, 48, 48)
    frames = 51
    save_dt = 20.0

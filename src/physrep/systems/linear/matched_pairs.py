r"""Pairs of clips from two equations with the same start, matched so that a crude measure cannot tell them apart.

A study that asks whether a model knows the kind of physics (diffusion or advection, diffusion or waves) shows it pairs
of clips that begin alike. If one of the pair is simply smoother, blur alone answers. So the heat equation's κ is chosen
per pair, such that its solution has the same gradient energy as the partner's, averaged over the frames after the first
(the first is the same in both):

    G = mean_j Σ_k k² |û_k(t_j)|²        j = 1 ... frames - 1

- ``advection_diffusion``: advection changes phases only, so κ = D matches G exactly in every frame, and the whole
  amplitude spectrum with it. What tells the pair apart is motion. With `comparable_velocity` the distance travelled is
  of the size of the diffusive spread, which makes "does it move?" no give-away.
- ``damped_wave``: κ is the root of G_heat(κ) = G_wave. G_heat falls monotonically from the start's gradient energy to
  0, so there is one root wherever the wave's is below that of the start; a start at rest always is (its energy is
  potential at first, and the total never grows), a moving one may not be.

κ is a continuous variable, found to rounding. A published matching searched a list of 28 values by another measure and
took the same end of the list for every pair, so that the diffusivity it asked a model to find never varied.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from ...errors import PhysrepError
from ..base import System
from ..grids.fourier_grid import FourierGrid
from ..solver import Setup
from .advection_diffusion import AdvectionDiffusion
from .damped_wave import DampedWave
from .solver import LinearSolver

PARTNERS: dict[str, System] = {system.name: system for system in (AdvectionDiffusion(), DampedWave())}
"""Systems that can be paired with `heat`."""

RANGE = (1e-9, 1e3)
"""Diffusivities among which the root is searched."""

TOLERANCE = 1e-6
"""Largest relative mismatch that counts as a match: what remains is rounding."""


@dataclass(frozen=True)
class Match:
    """Diffusivities of heat that match a partner.

    Attributes:
        diffusivity: κ with shape ``(B,)``, NaN where there is no match.
        residual: ``G_heat / G_partner - 1`` with shape ``(B,)``; where there is no match, that of the nearest κ.
    """

    diffusivity: Tensor
    residual: Tensor

    @property
    def found(self) -> Tensor:
        """Which pairs have a match, ``(B,)``."""
        return torch.isfinite(self.diffusivity)


def match_heat(
    partner: str,
    parameters: dict[str, Tensor],
    seeds: Sequence[int],
    *,
    resolution: Sequence[int] | None = None,
    frames: int | None = None,
    save_dt: float | None = None,
    initial_condition: str | None = None,
    measure: Literal["gradients", "variance"] = "gradients",
) -> Match:
    """Diffusivity of the heat equation whose mean gradient energy (or variance) equals the partner's, per pair.

    Simulate the pair with the same seeds, family, resolution, frames and save_dt: `Heat` with the returned
    ``diffusivity`` and the partner with ``parameters``; their first frames are equal bit for bit.

    Args:
        partner: ``"advection_diffusion"`` or ``"damped_wave"``.
        parameters: the partner's, tensors with shape ``(B,)``.
        seeds: one per pair.
        resolution, frames, save_dt, initial_condition: as in `System.simulate`, with the partner's defaults.
        measure: what is matched, ``"gradients"`` (G above) or ``"variance"`` (G without the factor k²: contrast).

    Raises:
        PhysrepError: unknown partner or measure, bad settings, or fewer than 2 frames.
    """
    if partner not in PARTNERS:
        raise PhysrepError(f"heat has no matched partner {partner!r}; there are {list(PARTNERS)}.")
    if measure not in ("gradients", "variance"):
        raise PhysrepError(f"matched pairs: there is no measure {measure!r}; take gradients or variance.")
    system = PARTNERS[partner]
    frames = system.frames if frames is None else frames
    save_dt = system.save_dt if save_dt is None else save_dt
    if frames < 2 or not save_dt > 0:
        raise PhysrepError(f"matched pairs: frames={frames} must be at least 2 and save_dt={save_dt} positive.")
    system.check_parameters(parameters, seeds)
    setup = Setup(
        system.check_resolution(resolution or system.resolution),
        system.check_family(initial_condition or system.initial_conditions[0]),
        dtype=torch.float64,
    )
    solver = system.solver(parameters, seeds, None, setup)
    assert isinstance(solver, LinearSolver)
    grid = solver.basis
    assert isinstance(grid, FourierGrid)
    # Modes with the same k² decay alike: their energies are summed, which leaves a few hundred terms. In the unit box
    # k²/(2π)² is a whole number.
    squares, index = (grid.k2 / (2 * math.pi) ** 2).round().unique(return_inverse=True)
    k2 = squares * (2 * math.pi) ** 2
    weight = k2 if measure == "gradients" else (k2 > 0).to(k2)
    start = _shells(solver.state[:, 0], grid, index, len(k2)) * weight
    target = torch.zeros(len(start), dtype=torch.float64)
    for _ in range(frames - 1):
        solver.advance(save_dt)
        target += (_shells(solver.state[:, 0], grid, index, len(k2)) * weight).sum(1)
    if not (target > 0).all():
        raise PhysrepError("matched pairs: a uniform start has nothing to match; take another family or seed.")

    def mismatch(diffusivity: Tensor) -> Tensor:
        # Σ_{j=1}^{n} r^j = r (1 - r^n) / (1 - r) with r = exp(-2κk²Δt), n = frames - 1.
        exponent = 2 * diffusivity[:, None] * k2[None, 1:] * save_dt
        sums = torch.exp(-exponent) * torch.expm1(-exponent * (frames - 1)) / torch.expm1(-exponent)
        return (start[:, 1:] * sums).sum(1) / target - 1

    low, high = (torch.full_like(target, value) for value in RANGE)
    for _ in range(100):  # bisection of the logarithm, to rounding
        middle = (low * high).sqrt()
        above = mismatch(middle) > 0
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    diffusivity = (low * high).sqrt()
    residual = mismatch(diffusivity)
    return Match(torch.where(residual.abs() < TOLERANCE, diffusivity, torch.nan), residual)


def matched_diffusivity(partner: str, parameters: dict[str, Tensor], seeds: Sequence[int], **settings) -> Tensor:
    """The diffusivities of `match_heat`, ``(B,)``, where every pair must have one.

    Raises:
        PhysrepError: a pair without match is named; draw other parameters or a start at rest for it.
    """
    match = match_heat(partner, parameters, seeds, **settings)
    missing = (~match.found).nonzero()[:, 0].tolist()
    if missing:
        raise PhysrepError(
            f"no diffusivity of heat matches {partner} for pairs {missing} (the partner's gradients grow beyond those "
            "of its start, or never fade); draw other parameters or start at rest."
        )
    return match.diffusivity


def comparable_velocity(parameters: dict[str, Tensor], duration: float, ratio: float = 1.0) -> dict[str, Tensor]:
    """Parameters of advection-diffusion with the speed rescaled, directions and diffusivities kept.

    The harder variant of the pair: the distance |v|·duration becomes ``ratio`` times the diffusive spread
    √(2 D duration), so that motion is as hard to see as blur.

    Args:
        parameters: of `AdvectionDiffusion`, tensors with shape ``(B,)``; velocities must not be zero.
        duration: time between the first and the last frame, (frames - 1)·save_dt.
        ratio: distance travelled over diffusive spread.

    Raises:
        PhysrepError: a velocity is zero, or duration or ratio is not positive.
    """
    speed = torch.hypot(parameters["velocity_x"], parameters["velocity_y"])
    if not (speed > 0).all() or not duration > 0 or not ratio > 0:
        raise PhysrepError("comparable_velocity: velocities, duration and ratio must not be zero or negative.")
    scale = ratio * torch.sqrt(2 * parameters["diffusivity"] / duration) / speed
    return {
        **parameters,
        "velocity_x": parameters["velocity_x"] * scale,
        "velocity_y": parameters["velocity_y"] * scale,
    }


def _shells(coefficients: Tensor, grid: FourierGrid, index: Tensor, count: int) -> Tensor:
    """Energy Σ|û|² per distinct k², (B, count)."""
    weights = torch.full_like(grid.k2, 2.0)  # a stored mode stands for its conjugate as well
    weights[..., 0] = 1.0  # except in this column, which holds both; drawn starts have nothing at the Nyquist mode
    energy = coefficients.abs().square() * weights
    return energy.new_zeros(len(energy), count).index_add_(1, index.flatten(), energy.flatten(1))

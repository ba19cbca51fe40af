r"""The heat data of a published study of video models, as it made them: explicit, and unstable in half of its range.

    u_ij ← u_ij + α Δt/Δx² (u_{i+1,j} + u_{i-1,j} + u_{i,j+1} + u_{i,j-1} - 4 u_ij)        inner points only

The edge rows keep their first values. With Δx = 1 and Δt = 0.1 (ten substeps per frame) the scheme is stable only for
α Δt/Δx² ≤ 1/4, that is α ≤ 2.5, but α was drawn from 0.5 to 5. Beyond the limit the shortest mode grows by the factor
|1 - 8 α Δt/Δx²| per substep, up to 3, from rounding errors of 1e-16 to 1e290; drawn with the colour range fixed to
[0, 1] the frames turn into noise after 3 to 50 frames, from which any probe can read α.

This is kept to reproduce that study and to show the artefact, and for nothing else: take `heat` for heat. It is not a
`System`, because its unstable runs are deliberate and must not be drawn again. What it returns is what the study's
renderer showed, temperatures clipped to [0, 1], and its attributes say which runs were beyond the limit.

Symbols: u temperature, α diffusivity (cells² per unit of time), Δx = 1 cell, Δt = 0.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import PhysrepError
from ..description import Trajectories, draw_number

SPACING, SUBSTEPS, TIME_STEP = 1.0, 10, 0.1

STABILITY_LIMIT = SPACING**2 / (4 * TIME_STEP)
"""Largest stable diffusivity, 2.5."""

ALPHA, WIDTH = (0.5, 5.0), (5.0, 20.0)
"""Ranges from which the study drew diffusivity and width of the blob, uniformly."""


def draw_ftcs(seeds: Sequence[int], size: int = 256) -> tuple[Tensor, Tensor]:
    """Diffusivities ``(B,)`` and starts ``(B, size, size)`` as in the study: one Gaussian of height 1 per seed.

    α is uniform in [0.5, 5], the width in [5, 20] cells, the centre in the middle half of the grid. The draws are this
    package's own: the study's distribution, not its numbers.
    """
    alphas, fields = [], []
    cell = torch.arange(size, dtype=torch.float64)
    for seed in seeds:
        generator = torch.Generator().manual_seed(seed)
        alphas.append(draw_number(generator, *ALPHA))
        width = draw_number(generator, *WIDTH)
        x, y = (draw_number(generator, size / 4, 3 * size / 4) for _ in range(2))
        fields.append(torch.exp(-((cell[:, None] - x) ** 2 + (cell[None, :] - y) ** 2) / (2 * width**2)))
    return torch.tensor(alphas, dtype=torch.float64), torch.stack(fields)


def step(field: Tensor, number: Tensor) -> None:
    """One substep in place: ``field`` (B, n, m), ``number`` α Δt/Δx² with shape (B, 1, 1)."""
    neighbours = field[:, 2:, 1:-1] + field[:, :-2, 1:-1] + field[:, 1:-1, 2:] + field[:, 1:-1, :-2]
    field[:, 1:-1, 1:-1] += number * (neighbours - 4 * field[:, 1:-1, 1:-1])


@torch.inference_mode()
def ftcs_heat(diffusivity: Tensor, start: Tensor, frames: int = 64) -> Trajectories:
    """Explicit Euler and five-point Laplacian in float64, stored as the study's renderer showed it.

    Args:
        diffusivity: α with shape ``(B,)``.
        start: fields ``(B, n, m)``.
        frames: stored frames, the first one frame interval (ten substeps) after the start, as in the study.

    Returns:
        Trajectories with the field ``temperature`` ``(B, frames, n, m)``, float32, clipped to [0, 1]. Attributes:
        ``stability_limit`` 2.5, ``unstable`` (per trajectory, whether α is above it), ``largest_value`` (per
        trajectory, the largest |u| before clipping).

    Raises:
        PhysrepError: shapes do not fit, α is not positive, or a value left the range of float64.
    """
    if diffusivity.dim() != 1 or start.dim() != 3 or len(start) != len(diffusivity) or min(start.shape[1:]) < 3:
        raise PhysrepError(
            f"ftcs_heat: diffusivity {tuple(diffusivity.shape)} and start {tuple(start.shape)} must be (B,) and "
            "(B, n, m) with at least 3 points per axis."
        )
    if frames < 1 or not (torch.isfinite(diffusivity).all() and diffusivity.min() > 0):
        raise PhysrepError(f"ftcs_heat: diffusivity must be positive and finite and frames={frames} at least 1.")
    field = start.double().clone()
    number = diffusivity.to(field).view(-1, 1, 1) * TIME_STEP / SPACING**2
    stored, largest = [], torch.zeros_like(field[:, 0, 0])
    for frame in range(1, frames + 1):
        for _ in range(SUBSTEPS):
            step(field, number)
        largest = torch.maximum(largest, field.abs().amax((1, 2)))
        if not torch.isfinite(largest).all():
            raise PhysrepError(f"ftcs_heat: values left the range of float64 in frame {frame}; store fewer frames.")
        stored.append(field.clamp(0, 1).float().cpu())
    return Trajectories(
        system="heat_ftcs",
        fields={"temperature": torch.stack(stored, 1)},
        parameters={"diffusivity": diffusivity.cpu().double()},
        time=torch.arange(1, frames + 1, dtype=torch.float64) * SUBSTEPS * TIME_STEP,
        coordinates={
            axis: SPACING * torch.arange(n, dtype=torch.float64)
            for axis, n in zip(("x", "y"), field.shape[1:], strict=True)
        },
        periodic=(False, False),
        attributes={
            "solver": "explicit Euler, five-point Laplacian, edges held; for the reproduction of a study only",
            "precision": "float64, stored clipped to [0, 1]",
            "stability_limit": STABILITY_LIMIT,
            "unstable": (diffusivity > STABILITY_LIMIT).tolist(),
            "largest_value": largest.tolist(),
        },
    )

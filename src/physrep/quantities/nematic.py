r"""Quantities of a nematic from its second moment D = ∫pp Ψ dθ (trace c) on two periodic axes.

With A = (D_xx - D_yy) + 2i D_xy and c = D_xx + D_yy:

    order        S = ⟨|A|/c⟩, from 0 (isotropic) to 1 (all rods of a place aligned)           1
    alignment    |⟨A⟩|/⟨c⟩, the same of the whole domain; 0 if places point everywhere        1
    defects      number of grid cells around which the director turns by ±half a turn          1

The director angle is θ = ½ arg A. Around a cell it is followed along the four edges, each change taken in
(-π/2, π/2]; their sum is 2π times the charge, ±½ for a defect and 0 elsewhere. On a periodic grid the charges add up to
0, so defects come in pairs. A grid that does not resolve the cores misses pairs closer than a cell.

Source: de Gennes and Prost, The Physics of Liquid Crystals (1993), chapter 4; the counting is that of Huterer and
Vachaspati, Distribution of singularities in the cosmic microwave background polarization, Phys. Rev. D 72 (2005).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..clip import Clip
from .base import Quantity, channel
from .flow import FLOW
from .grid import Grid

TENSOR = ("D_xx", "D_xy", "D_yy")


def _moment(clip: Clip) -> tuple[Tensor, Tensor]:
    """The complex A, and c, both with shape ``(B, T, H, W)``."""
    xx, xy, yy = (channel(clip, name) for name in TENSOR)
    return torch.complex(xx - yy, 2 * xy), xx + yy


def order(clip: Clip, grid: Grid) -> Tensor:
    """``⟨|A|/c⟩`` per frame, dimensionless, with shape ``(B, T)``."""
    moment, c = _moment(clip)
    return grid.mean(moment.abs() / c)


def alignment(clip: Clip, grid: Grid) -> Tensor:
    """``|⟨A⟩|/⟨c⟩`` per frame, dimensionless, with shape ``(B, T)``."""
    moment, c = _moment(clip)
    return torch.complex(grid.mean(moment.real), grid.mean(moment.imag)).abs() / grid.mean(c)


def charges(clip: Clip) -> Tensor:
    """Topological charge (-½, 0 or ½) of the cell between points i and i + 1, with shape ``(B, T, H, W)``."""
    angle = _moment(clip)[0].angle() / 2

    def turn(after: Tensor, before: Tensor) -> Tensor:
        # The director has no head: angles count modulo π.
        return torch.remainder(after - before + math.pi / 2, math.pi) - math.pi / 2

    corners = [angle, angle.roll(-1, 2), angle.roll((-1, -1), (2, 3)), angle.roll(-1, 3)]
    total = sum((turn(corners[(i + 1) % 4], corners[i]) for i in range(4)), torch.zeros_like(angle))
    return torch.round(total / math.pi) / 2


def defects(clip: Clip, grid: Grid) -> Tensor:
    """Number of cells with charge ±½ per frame, with shape ``(B, T)``."""
    return (charges(clip) != 0).sum((2, 3)).double()


ORDER = Quantity("order", "S", "1", "⟨|A|/c⟩", order, TENSOR)
DEFECTS = Quantity("defects", "N", "1", "number of ±½ defects", defects, TENSOR)
ACTIVE_MATTER = (
    *FLOW,
    ORDER,
    Quantity("alignment", "|⟨A⟩|/⟨c⟩", "1", "|⟨A⟩|/⟨c⟩", alignment, TENSOR),
    DEFECTS,
)

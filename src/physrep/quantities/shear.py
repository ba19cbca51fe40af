r"""Quantities of shear layers that are stacked along y and flow along x (axis H).

    perturbation energy   E' = ½⟨(u_x - ū)² + u_y²⟩,  ū(y) = mean of u_x along x      L²/T²

The profile ū is the layer; E' is what rolls up.
"""

from __future__ import annotations

from torch import Tensor

from ..clip import Clip
from .base import Quantity, velocity
from .flow import FLOW, VELOCITY, scalar
from .grid import Grid


def perturbation_energy(clip: Clip, grid: Grid) -> Tensor:
    """``½⟨(u_x - ū)² + (u_y - ū_y)²⟩`` per frame, in L²/T², with shape ``(B, T)``; bars are means along x."""
    first, second = velocity(clip)
    return 0.5 * sum(grid.mean((u - u.mean(2, keepdim=True)).square()) for u in (first, second))


PERTURBATION = Quantity(
    "perturbation_energy", "E'", "L²/T²", "½⟨|u - ū(y)|²⟩", perturbation_energy, VELOCITY, scale="log"
)
SHEAR_FLOW = (*FLOW, PERTURBATION, *scalar("tracer"))

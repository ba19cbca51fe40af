r"""Quantities of shear layers that are stacked along y (axis W) and flow along x (axis H).

Bars are means along x, ū(y) the profile of u_x, u' = u - ū(y) what departs from it:

    perturbation energy   E' = ½⟨|u'|²⟩                  L²/T²
    layer energy          L = ½⟨(ū - ⟨u_x⟩)²⟩            L²/T²
    layer shear           S = ⟨(∂_y ū)²⟩^½               1/T
    production            P = -⟨u'_x u'_y ∂_y ū⟩         L²/T³
    feeding               P / (S E')                     1

dE'/dt = P - ν⟨|∇u'|²⟩: the layer rolls up where P is positive and outweighs viscosity; P < 0 gives energy back to it.
Source: Drazin and Reid, Hydrodynamic Stability (1981), section 53 (Reynolds-Orr equation).
"""

from __future__ import annotations

from torch import Tensor

from ..clip import Clip
from .base import Quantity, velocity
from .flow import FLOW, VELOCITY, scalar
from .grid import Grid


def _parts(clip: Clip) -> tuple[Tensor, Tensor, Tensor]:
    """Profile ū ``(B, T, 1, W)``, and u'_x and u'_y ``(B, T, H, W)``."""
    first, second = velocity(clip)
    profile = first.mean(2, keepdim=True)
    return profile, first - profile, second - second.mean(2, keepdim=True)


def perturbation_energy(clip: Clip, grid: Grid) -> Tensor:
    """``½⟨|u'|²⟩`` per frame, in L²/T², with shape ``(B, T)``."""
    _, first, second = _parts(clip)
    return 0.5 * grid.mean(first.square() + second.square())


def layer_energy(clip: Clip, grid: Grid) -> Tensor:
    """``½⟨(ū - ⟨u_x⟩)²⟩`` per frame, in L²/T², with shape ``(B, T)``."""
    profile = _parts(clip)[0][:, :, 0]
    weights = grid.weights[1]
    return 0.5 * ((profile - (profile @ weights)[..., None]).square() @ weights)


def layer_shear(clip: Clip, grid: Grid) -> Tensor:
    """``⟨(∂_y ū)²⟩^½`` per frame, in 1/T, with shape ``(B, T)``."""
    return (grid.derivative(_parts(clip)[0], 1)[:, :, 0].square() @ grid.weights[1]).sqrt()


def production(clip: Clip, grid: Grid) -> Tensor:
    """``-⟨u'_x u'_y ∂_y ū⟩`` per frame, in L²/T³, with shape ``(B, T)``."""
    profile, first, second = _parts(clip)
    return -grid.mean(first * second * grid.derivative(profile, 1))


def feeding(clip: Clip, grid: Grid) -> Tensor:
    """``P / (S E')`` per frame, dimensionless, with shape ``(B, T)``; 0 where nothing departs from the layer."""
    denominator = layer_shear(clip, grid) * perturbation_energy(clip, grid)
    return production(clip, grid) / denominator.clamp_min(1e-20)


SHEAR_FLOW = (
    *FLOW,
    Quantity("perturbation_energy", "E'", "L²/T²", "½⟨|u'|²⟩", perturbation_energy, VELOCITY, scale="log"),
    Quantity("layer_energy", "L", "L²/T²", "½⟨(ū-⟨u⟩)²⟩", layer_energy, VELOCITY, scale="log"),
    Quantity("layer_shear", "S", "1/T", "⟨(∂ū/∂y)²⟩^½", layer_shear, VELOCITY, scale="log"),
    Quantity("production", "P", "L²/T³", "-⟨u'ₓu'_y ∂ū/∂y⟩", production, VELOCITY),
    Quantity("feeding", "P/SE'", "1", "P / (S E')", feeding, VELOCITY),
    *scalar("tracer"),
)

r"""Quantities of a fluid layer of height 1 between walls at buoyancy 1 (below) and 0 (above), y along axis W.

    buoyancy flux    F = ⟨u_y b⟩                            L/T times buoyancy
    Nusselt number   Nu = 1 + F/κ,  κ = (Ra Pr)^-½          1

The heat flux through the layer is u_y b - κ∂_y b. Its average over the layer over that of conduction, κ (b falls by 1
over the height 1), is Nu: ⟨-∂_y b⟩ = 1 at any time because the walls are held at 1 and 0. Without motion Nu = 1.

Source: Chandrasekhar, Hydrodynamic and Hydromagnetic Stability (1961), chapter 2; Siggia, High Rayleigh number
convection, Annu. Rev. Fluid Mech. 26 (1994) 137.
"""

from __future__ import annotations

from torch import Tensor

from ..clip import Clip
from ..errors import PhysrepError
from .base import Quantity, channel
from .flow import FLOW, scalar
from .grid import Grid


def buoyancy_flux(clip: Clip, grid: Grid) -> Tensor:
    """``⟨u_y b⟩`` per frame, in units of the free-fall velocity times the buoyancy difference, shape ``(B, T)``."""
    return grid.mean(channel(clip, "velocity_y") * channel(clip, "buoyancy"))


def nusselt(clip: Clip, grid: Grid) -> Tensor:
    """``1 + ⟨u_y b⟩ (Ra Pr)^½`` per frame, dimensionless, with shape ``(B, T)``.

    Raises:
        PhysrepError: the clip does not hold the Rayleigh and Prandtl numbers.
    """
    missing = [name for name in ("Rayleigh", "Prandtl") if name not in clip.parameter_names]
    if missing:
        raise PhysrepError(f"the Nusselt number needs the parameter {missing[0]!r}; read it with the data.")
    values = clip.parameters.double()
    ra, pr = (values[:, clip.parameter_names.index(name)] for name in ("Rayleigh", "Prandtl"))
    return 1 + buoyancy_flux(clip, grid) * (ra * pr).sqrt()[:, None]


FLUX = ("velocity_y", "buoyancy")
NUSSELT = Quantity("nusselt", "Nu", "1", "1 + ⟨u_y b⟩ (Ra Pr)^½", nusselt, FLUX, parameters=("Rayleigh", "Prandtl"))
RAYLEIGH_BENARD = (
    *FLOW,
    *scalar("buoyancy"),
    Quantity("buoyancy_flux", "F", "1", "⟨u_y b⟩", buoyancy_flux, FLUX),
    NUSSELT,
)

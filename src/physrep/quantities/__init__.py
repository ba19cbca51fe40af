"""Physical quantities of windows: what a flow does, apart from the parameters that it was made with.

`QUANTITIES` names those of every system; `quantities_of` gives those that a data set's channels and parameters allow.
Adding one is a function with formula and unit, a line here and a test on a field with a known value.
"""

from __future__ import annotations

from collections.abc import Sequence

from .base import Quantity, channel, measure, velocity_channels
from .convection import RAYLEIGH_BENARD
from .flow import COMPRESSIBLE, FLOW, VELOCITY, scalar
from .grid import Grid
from .linear import ADVECTION_DIFFUSION, DAMPED_WAVE, HEAT
from .nematic import ACTIVE_MATTER
from .reaction import GRAY_SCOTT
from .shear import SHEAR_FLOW

QUANTITIES: dict[str, tuple[Quantity, ...]] = {
    "shear_flow": SHEAR_FLOW,
    "rayleigh_benard": RAYLEIGH_BENARD,
    "rayleigh_benard_uniform": RAYLEIGH_BENARD,
    "active_matter": ACTIVE_MATTER,
    "gray_scott": GRAY_SCOTT,
    "heat": HEAT,
    "heat_fixed_edges": HEAT,
    "advection_diffusion": ADVECTION_DIFFUSION,
    "damped_wave": DAMPED_WAVE,
}


def quantities_of(system: str, channels: Sequence[str], parameters: Sequence[str] = ()) -> tuple[Quantity, ...]:
    """Quantities of a system that these channels and parameters allow.

    A system without entry in `QUANTITIES` gets those of its velocity, if it has one, and of every other scalar channel.

    Args:
        system: its name; one without entry is allowed.
        channels: that the data hold.
        parameters: whose values are known.
    """
    known = QUANTITIES.get(system)
    if known is None:
        flow = (*FLOW, COMPRESSIBLE) if set(VELOCITY) <= set(channels) else ()
        plain = [name for name in channels if name not in velocity_channels(channels) and "_" not in name]
        known = (*flow, *(quantity for name in plain for quantity in scalar(name)))
    return tuple(q for q in known if set(q.channels) <= set(channels) and set(q.parameters) <= set(parameters))


__all__ = ["QUANTITIES", "Grid", "Quantity", "channel", "measure", "quantities_of"]

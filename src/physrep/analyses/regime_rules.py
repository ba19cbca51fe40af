r"""Which regime a window is in, by physics alone: every threshold of the analysis `regimes`, with its reason.

Rules read the quantities of a window's frames (`physrep.quantities`), never tokens or labels of a data set. A window,
not a trajectory, has a regime: flows pass from one to the next.

shear_flow, with E' the energy of the perturbation, L of the layer, S its shear, P the production (window means):

- ``laminar``: E' < 0.01 (E' + L). The velocity departs from parallel layers by less than a tenth.
- ``rolling_up``: otherwise, and P > 0.05 S E'. The layer feeds the perturbation. The fastest inviscid mode of a tanh
  layer grows at 0.19 of its largest shear, its energy at twice that (Michalke 1964), so the threshold is about an
  eighth of the strongest instability there is.
- ``decaying``: all other. What moves along with the layers dies by viscosity, or gives energy back to them.

rayleigh_benard, with Nu the Nusselt number:

- ``conductive``: |mean Nu - 1| < 0.1. Motion carries less than a tenth of the heat of conduction.
- ``steady``: otherwise, and the standard deviation of Nu over the window is below 5 % of its mean. Windows are of the
  order of a free-fall time: this is "does not change while it is watched", not a limit of long times.
- ``unsteady``: all other.

active_matter, with S the mean local order and ω the root-mean-square vorticity:

- ``isotropic``: S < 0.2. Rods point anywhere; terms beyond the linear ones are of order S², below 4 %.
- ``turbulent``: otherwise, and ω/2 > 4 d_R = 0.2, i.e. enstrophy ω²/2 > 0.08. The flow turns the director faster than
  rotational diffusion (rate 4 d_R of the second moment, d_R = 0.05) relaxes it: flow, not relaxation, shapes the
  texture. "Turbulent" is meant in this sense; runs may be too short for statistically steady turbulence.
- ``nematic``: all other. Ordered, with a flow too slow to matter.

Source of the growth rate: Michalke, On the inviscid instability of the hyperbolic-tangent velocity profile, J. Fluid
Mech. 19 (1964) 543.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

Frames = Mapping[str, np.ndarray]
"""Quantities of the frames of windows by name, each ``(windows, T)``."""

PARALLEL, FEEDING = 0.01, 0.05
CONDUCTING, FLUCTUATING = 0.1, 0.05
ISOTROPIC, STIRRED = 0.2, 0.08


@dataclass(frozen=True)
class Regimes:
    """Regimes of a system.

    Attributes:
        names: of the regimes.
        needs: quantities that the rule reads.
        rule: from the frames of windows to the index of the regime of each.
        sentence: the rule in one line, for the page.
    """

    names: tuple[str, ...]
    needs: tuple[str, ...]
    rule: Callable[[Frames], np.ndarray]
    sentence: str


def shear_flow(frames: Frames) -> np.ndarray:
    """0 laminar, 1 rolling up, 2 decaying; see the module's docstring."""
    needs = ("perturbation_energy", "layer_energy", "layer_shear", "production")
    moving, layer, shear, production = (frames[name].mean(1) for name in needs)
    parallel = moving < PARALLEL * (moving + layer)
    return np.where(parallel, 0, np.where(production > FEEDING * shear * moving, 1, 2))


def rayleigh_benard(frames: Frames) -> np.ndarray:
    """0 conductive, 1 steady, 2 unsteady; see the module's docstring."""
    mean, spread = frames["nusselt"].mean(1), frames["nusselt"].std(1)
    return np.where(np.abs(mean - 1) < CONDUCTING, 0, np.where(spread < FLUCTUATING * np.abs(mean), 1, 2))


def active_matter(frames: Frames) -> np.ndarray:
    """0 isotropic, 1 nematic, 2 turbulent; see the module's docstring."""
    order, enstrophy = frames["order"].mean(1), frames["enstrophy"].mean(1)
    return np.where(order < ISOTROPIC, 0, np.where(enstrophy > STIRRED, 2, 1))


_SHEAR = Regimes(
    ("laminar", "rolling_up", "decaying"),
    ("perturbation_energy", "layer_energy", "layer_shear", "production"),
    shear_flow,
    "laminar: perturbation below 1 % of the energy; rolling up: the layer feeds it faster than 0.05 of its shear; "
    "decaying: the rest",
)
_LAYER = Regimes(
    ("conductive", "steady", "unsteady"),
    ("nusselt",),
    rayleigh_benard,
    "conductive: Nu within 0.1 of 1; steady: Nu varies by less than 5 % over the window; unsteady: the rest",
)
_NEMATIC = Regimes(
    ("isotropic", "nematic", "turbulent"),
    ("order", "enstrophy"),
    active_matter,
    "isotropic: order S below 0.2; turbulent: the flow turns rods faster than diffusion relaxes them (enstrophy above "
    "0.08); nematic: the rest",
)

REGIMES: dict[str, Regimes] = {
    "shear_flow": _SHEAR,
    "rayleigh_benard": _LAYER,
    "rayleigh_benard_uniform": _LAYER,
    "active_matter": _NEMATIC,
}
"""Rules by system; a system without one has no regimes."""

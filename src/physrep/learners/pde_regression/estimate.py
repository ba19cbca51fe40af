"""Oracles: physical parameters of a window from the system's equation itself, without labels and without training.

`ORACLES` maps a system's name to its library: the terms of the equation as integrals over many small boxes in space
and time, in which all derivatives fall on smooth test functions (weak form), and least squares for the coefficients.
What an oracle reads from the fields a representation could hold as well; what it cannot read is not there, or not for
this method (docs/oracle.md). Adding one is one function and one line here.
"""

from __future__ import annotations

from torch import Tensor

from ...clip import Clip
from ...errors import PhysrepError
from ...systems import SYSTEMS, System
from ...systems.description import Parameter
from .active_matter import active_matter
from .equations import Equation, Library, OracleWindow
from .fitzhugh_nagumo import fitzhugh_nagumo
from .flow import rayleigh_benard, shear_flow
from .gray_scott import gray_scott
from .linear import advection_diffusion, damped_wave, heat
from .vorticity import navier_stokes, navier_stokes_forced
from .weak import Boxes, WeakForm

ORACLES: dict[str, Library] = {
    "shear_flow": shear_flow,
    "rayleigh_benard": rayleigh_benard,
    "rayleigh_benard_uniform": rayleigh_benard,
    "active_matter": active_matter,
    "gray_scott": gray_scott,
    "heat": heat,
    "heat_fixed_edges": heat,
    "advection_diffusion": advection_diffusion,
    "damped_wave": damped_wave,
    "fitzhugh_nagumo": fitzhugh_nagumo,
    "navier_stokes": navier_stokes,
    "navier_stokes_forced": navier_stokes_forced,
}

EQUATIONS: dict[str, Equation] = {
    own.name: own
    for own in (
        Equation(
            "fitzhugh_nagumo",
            (
                Parameter("Du", "D_u", 1e-3, 5.0, "linear", "1", "diffusivity of the activator"),
                Parameter("Dv", "D_v", 1e-3, 5.0, "linear", "1", "diffusivity of the inhibitor"),
                Parameter("k", "k", 1e-4, 1.0, "linear", "1", "threshold of excitement"),
            ),
        ),
        Equation("navier_stokes", (Parameter("re", "Re", 1.0, 1e6, "log", "1", "Reynolds number, 0.8/ν"),)),
        Equation("navier_stokes_forced", (Parameter("nu", "ν", 1e-7, 1.0, "log", "1", "kinematic viscosity"),)),
    )
}
"""Equations of PDEInvBench's data, which no system here simulates; ranges are wider than those of the data."""


def equation_of(name: str) -> System | Equation:
    """What an oracle regresses: one of `EQUATIONS`, or a system.

    Args:
        name: key of `ORACLES`.
    """
    return EQUATIONS.get(name) or SYSTEMS[name]


def known_oracle(system: str) -> Library:
    """The library of a system.

    Raises:
        PhysrepError: there is none.
    """
    if system not in ORACLES:
        raise PhysrepError(f"there is no oracle for system {system!r}; known: {', '.join(ORACLES)}.")
    return ORACLES[system]


def estimate(clip: Clip, system: str | System, *, uniform: bool = False) -> dict[str, Tensor]:
    """Physical parameters of every window.

    Args:
        clip: windows of at least 4 frames, physical fields (not normalised).
        system: whose equation the fields obey.
        uniform: rows between walls are equally spaced, although the system's are not (resampled spectrally).

    Returns:
        ``{parameter: (B,)}``, float64. Coefficients that the equation says are positive are clipped to 1e-12 from
        below; the parameters are not bounded otherwise.

    Raises:
        PhysrepError: no oracle for the system, a channel is missing, or fewer than 4 frames.
    """
    name = system if isinstance(system, str) else system.name
    library = known_oracle(name)
    return library(OracleWindow(clip, equation_of(name), uniform))


__all__ = ["EQUATIONS", "ORACLES", "Boxes", "Library", "OracleWindow", "WeakForm", "equation_of", "estimate",
           "known_oracle"]  # fmt: skip

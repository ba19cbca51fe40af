r"""Viscosity and diffusivity of an incompressible flow from its velocity, without pressure.

The curl of the momentum equation holds no pressure. With ω = ∂ₓu_y - ∂_y u_x,

    ∂ₜω = (∂_y² - ∂ₓ²)(u_x u_y) - ∂ₓ∂_y(u_y² - u_x²) + ν ∇²ω + ∂ₓb

(b buoyancy along y, or 0). Against a test function χ and by parts, all derivatives on χ:

    ∭ ∂ₜω χ = ∭ (u_y χ_tx - u_x χ_ty)                   ∭ ω ∇²χ = ∭ (u_x ∂_y∇²χ - u_y ∂ₓ∇²χ)
    right-hand side: ∭ [u_x u_y (χ_yy - χ_xx) - (u_y² - u_x²) χ_xy - b χ_x] + ν ∭ ω ∇²χ

A scalar that is carried along obeys ∂ₜs + ∇·(u s) = D ∇²s, so that -∭ (s χ_t + s u·∇χ) = D ∭ s ∇²χ.
"""

from __future__ import annotations

from torch import Tensor

from .equations import DT, DX, DY, OracleWindow, positive
from .regression import least_squares


def viscosity(window: OracleWindow, buoyancy: Tensor | None = None) -> Tensor:
    """ν with shape ``(B,)`` from velocity_x and velocity_y (and the buoyancy along y)."""
    u, w, integral = window["velocity_x"], window["velocity_y"], window.integral
    rate = integral(w, (1, 1, 0)) - integral(u, (1, 0, 1))
    known = integral(u * w, (0, 0, 2)) - integral(u * w, (0, 2, 0)) - integral(w * w - u * u, (0, 1, 1))
    if buoyancy is not None:
        known = known - integral(buoyancy, DX)
    diffusion = integral.laplacian(u, DY) - integral.laplacian(w, DX)
    return least_squares([diffusion], rate - known)[:, 0]


def diffusivity(window: OracleWindow, scalar: str) -> Tensor:
    """D with shape ``(B,)`` of a scalar that the flow carries."""
    s, u, w, integral = window[scalar], window["velocity_x"], window["velocity_y"], window.integral
    rate = -integral(s, DT) - integral(s * u, DX) - integral(s * w, DY)
    return least_squares([integral.laplacian(s)], rate)[:, 0]


def shear_flow(window: OracleWindow) -> dict[str, Tensor]:
    """Re = 1/ν and Sc = ν/D."""
    nu, d = positive(viscosity(window)), positive(diffusivity(window, "tracer"))
    return {"Reynolds": 1 / nu, "Schmidt": nu / d}


def rayleigh_benard(window: OracleWindow) -> dict[str, Tensor]:
    """Ra = 1/(ν κ) and Pr = ν/κ, as ν = (Pr/Ra)^½ and κ = (Ra Pr)^-½."""
    nu = positive(viscosity(window, window["buoyancy"]))
    kappa = positive(diffusivity(window, "buoyancy"))
    return {"Rayleigh": 1 / (nu * kappa), "Prandtl": nu / kappa}

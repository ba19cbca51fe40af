r"""Heat conduction, advection-diffusion and damped waves: every coefficient is linear in integrals of the fields.

heat                   ∂ₜu = κ ∇²u                     -∭ u χ_t = κ ∭ u ∇²χ
advection_diffusion    ∂ₜc + v·∇c = D ∇²c              -∭ c χ_t = v_x ∭ c χ_x + v_y ∭ c χ_y + D ∭ c ∇²χ
damped_wave            ∂ₜw = c² ∇²u - γ w, w = ∂ₜu     -∭ w χ_t = c² ∭ u ∇²χ - γ ∭ w χ
"""

from __future__ import annotations

from torch import Tensor

from .equations import DT, DX, DY, VALUE, OracleWindow, positive
from .regression import least_squares


def heat(window: OracleWindow) -> dict[str, Tensor]:
    """κ from the temperature."""
    u, integral = window["temperature"], window.integral
    (kappa,) = least_squares([integral.laplacian(u)], -integral(u, DT)).unbind(1)
    return {"diffusivity": positive(kappa)}


def advection_diffusion(window: OracleWindow) -> dict[str, Tensor]:
    """v and D from the concentration."""
    c, integral = window["concentration"], window.integral
    columns = [integral(c, DX), integral(c, DY), integral.laplacian(c)]
    along, across, diffusivity = least_squares(columns, -integral(c, DT)).unbind(1)
    return {"velocity_x": along, "velocity_y": across, "diffusivity": positive(diffusivity)}


def damped_wave(window: OracleWindow) -> dict[str, Tensor]:
    """c and γ from the displacement and its rate."""
    u, w, integral = window["displacement"], window["displacement_rate"], window.integral
    square, damping = least_squares([integral.laplacian(u), -integral(w, VALUE)], -integral(w, DT)).unbind(1)
    return {"wave_speed": positive(square).sqrt(), "damping": positive(damping)}

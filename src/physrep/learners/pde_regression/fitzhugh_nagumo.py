r"""FitzHugh-Nagumo reaction and diffusion, as in PDEBench and PDEInvBench: both diffusivities and the threshold.

∂ₜu = D_u ∇²u + u - u³ - k - v        ∂ₜv = D_v ∇²v + u - v

-∭ (u χ_t + (u - u³ - v) χ) = D_u ∭ u ∇²χ - k ∭ χ
-∭ (v χ_t + (u - v) χ) = D_v ∭ v ∇²χ

Source: Takamoto and others, PDEBench, https://arxiv.org/abs/2210.07182.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .equations import DT, VALUE, OracleWindow
from .regression import least_squares


def fitzhugh_nagumo(window: OracleWindow) -> dict[str, Tensor]:
    """Du, Dv and k from u and v."""
    u, v, integral = window["u"], window["v"], window.integral
    rate_u = -integral(u, DT) - integral(u - u**3 - v, VALUE)
    rate_v = -integral(v, DT) - integral(u - v, VALUE)
    found = least_squares([integral.laplacian(u), -integral(torch.ones_like(u), VALUE)], rate_u)
    return {"Du": found[:, 0], "Dv": least_squares([integral.laplacian(v)], rate_v)[:, 0], "k": found[:, 1]}

r"""The Gray-Scott reaction: feed rate F and kill rate k; the diffusivities are the same in all data and taken as known.

∂ₜA = δ_A ∇²A - A B² + F (1 - A)        ∂ₜB = δ_B ∇²B + A B² - (F + k) B

-∭ (A χ_t + δ_A A ∇²χ - A B² χ) = F ∭ (1 - A) χ
-∭ (B χ_t + δ_B B ∇²χ + A B² χ) = -(F + k) ∭ B χ
"""

from __future__ import annotations

from torch import Tensor

from ...systems.gray_scott.system import DIFFUSIVITIES
from .equations import DT, VALUE, OracleWindow, positive
from .regression import least_squares


def gray_scott(window: OracleWindow) -> dict[str, Tensor]:
    """F and k from A and B; where B has died out the window does not hold k (it comes out as F + k = 0, clipped)."""
    a, b, integral = window["A"], window["B"], window.integral
    reaction = integral(a * b * b, VALUE)
    feed_rate = -integral(a, DT) - DIFFUSIVITIES[0] * integral.laplacian(a) + reaction
    loss_rate = -integral(b, DT) - DIFFUSIVITIES[1] * integral.laplacian(b) - reaction
    feed = least_squares([integral(1 - a, VALUE)], feed_rate)[:, 0]
    loss = least_squares([-integral(b, VALUE)], loss_rate)[:, 0]
    return {"F": positive(feed), "k": positive(loss - feed)}

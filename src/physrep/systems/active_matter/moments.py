r"""The angular part of active matter: how the moments of the orientation distribution turn and align.

With A_n = ∫ Ψ exp(inθ) dθ for even n, the strain e = E_xx + i E_xy, the spin w = (∂ₓu_y - ∂_y u_x)/2 and
G = e + ζ A₂, the kinetic equation is exactly

    ∂ₜA_n + ∇·(u A_n) = i n w A_n + (n/2) (G A_{n-2} - conj(G) A_{n+2}) + d_T ∇²A_n - n² d_R A_n

An angular model closes it: it says what the moment beyond the last one is. Planes are real fields stacked as
``[c, Re A₂ ... Re A_2M, Im A₂ ... Im A_2M]``, (B, 2M + 1, nx, ny).
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from .bingham import BinghamClosure


class AngularModel(ABC):
    """A closed set of moments.

    Attributes:
        count: number of complex moments M that are integrated.
    """

    count: int

    @abstractmethod
    def fourth(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Real and imaginary part of A₄."""

    @abstractmethod
    def turning(
        self, planes: Tensor, fourth: tuple[Tensor, Tensor], spin: Tensor, field: tuple[Tensor, Tensor], out: Tensor
    ) -> None:
        """Write ``i n w A_n + (n/2) (G A_{n-2} - conj(G) A_{n+2})`` for all n into ``out``.

        Args:
            planes: the moments.
            fourth: what `fourth` gave.
            spin: w, (B, nx, ny).
            field: real and imaginary part of G, each (B, nx, ny).
            out: real parts and then imaginary parts, (B, 2M, nx, ny).
        """


class Bingham(AngularModel):
    """One complex moment, A₂; A₄ = c h(|A₂|²/c²) (A₂/c)² is the Bingham closure."""

    count = 1

    def __init__(self, dtype: torch.dtype, device: torch.device | str) -> None:
        self._h = BinghamClosure(dtype, device)

    def fourth(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """See `AngularModel.fourth`."""
        c, a, b = planes.unbind(1)
        a2, b2 = a * a, b * b
        scale = (self._h((a2 + b2).div_(c * c))).div_(c)
        return a2.sub_(b2).mul_(scale), scale.mul_(a).mul_(b).mul_(2)

    def turning(
        self, planes: Tensor, fourth: tuple[Tensor, Tensor], spin: Tensor, field: tuple[Tensor, Tensor], out: Tensor
    ) -> None:
        """See `AngularModel.turning`."""
        (c, a, b), (p, q), (g, f) = planes.unbind(1), fourth, field
        real, imaginary = out.unbind(1)
        torch.mul(g, c - p, out=real).addcmul_(f, q, value=-1).addcmul_(spin, b, value=-2)
        torch.mul(f, c + p, out=imaginary).addcmul_(g, q, value=-1).addcmul_(spin, a, value=2)


class Kinetic(AngularModel):
    """M complex moments of the kinetic equation; A_{2M+2} = 0.

    For a sharply peaked distribution |A_2m| falls as exp(-m²/2κ) with κ = |G|/(2 d_R), so that M = 24 leaves 1e-4 at
    ζ = 3.
    """

    def __init__(self, count: int, dtype: torch.dtype, device: torch.device | str) -> None:
        self.count = count
        self._order = torch.arange(1, count + 1, dtype=dtype, device=device).view(1, -1, 1, 1)

    def fourth(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """See `AngularModel.fourth`."""
        return planes[:, 2], planes[:, self.count + 2]

    def turning(
        self, planes: Tensor, fourth: tuple[Tensor, Tensor], spin: Tensor, field: tuple[Tensor, Tensor], out: Tensor
    ) -> None:
        """See `AngularModel.turning`."""
        m = self.count
        a, b = planes[:, : m + 1], planes[:, m + 1 :]
        # Sums and differences of the neighbours A_{n-2} and A_{n+2}; Im A_0 is zero, as are those past the end.
        difference_a, sum_a = a[:, :-1].clone(), a[:, :-1].clone()
        difference_a[:, :-1] -= a[:, 2:]
        sum_a[:, :-1] += a[:, 2:]
        difference_b, sum_b = torch.zeros_like(b), torch.zeros_like(b)
        difference_b[:, 1:] = b[:, :-1]
        sum_b[:, 1:] = b[:, :-1]
        difference_b[:, :-1] -= b[:, 1:]
        sum_b[:, :-1] += b[:, 1:]
        g, f, w = (x.unsqueeze(1) for x in (*field, spin))
        real, imaginary = out[:, :m], out[:, m:]
        torch.mul(difference_a, g, out=real).addcmul_(sum_b, f, value=-1).addcmul_(b, w, value=-2).mul_(self._order)
        torch.mul(difference_b, g, out=imaginary).addcmul_(sum_a, f).addcmul_(a[:, 1:], w, value=2).mul_(self._order)

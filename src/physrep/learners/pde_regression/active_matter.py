r"""Active matter: α and ζ from the orientation tensor D alone.

Notation of `physrep.systems.active_matter`: c = trace D, A₂ = (D_xx - D_yy) + 2i D_xy, strain e, spin w. With the
Bingham closure A₄ = c h(|A₂|²/c²) (A₂/c)² the order obeys

    ∂ₜA₂ + ∇·(u A₂) = 2i w A₂ + c (e + ζ A₂) - conj(e + ζ A₂) A₄ + d_T ∇²A₂ - 4 d_R A₂

and Stokes' equation, driven by α A₂/2 - β ζ/4 [c A₂ - conj(A₂) A₄] and resisted by a viscosity that A₂ makes
anisotropic, is linear in the flow: u = α u₁ + ζ u₂, where u₁ and u₂ are the flows of the two stresses by themselves. So
the equation of A₂ is linear in α and ζ, and neither velocity nor strain have to be observed. Its two parts, real and
imaginary, are regressed together; d_T, d_R and β are the same in all data and taken as known.

The flows are solved for in Fourier space, frame by frame, so that both axes have to be periodic. The equation of A₂ is
exact for data of the model ``bingham``; for those of ``kinetic``, and The Well's, A₄ is not in a window and the closure
is an approximation: estimates are then biased (docs/limits.md).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ...errors import PhysrepError
from ...systems.active_matter.bingham import BinghamClosure
from ...systems.active_matter.solver import BETA, DIFFUSION
from .equations import DT, DX, DY, VALUE, OracleWindow
from .regression import least_squares

SWEEPS = 10
"""Sweeps of the fixed-point iteration for the strain, each of which makes its error about ten times smaller."""


class Stokes:
    """The flow that a stress drives in a suspension of given order, on a periodic grid.

    Args:
        shape: points per axis.
        dx: spacing per axis.
        device: where to compute.
    """

    def __init__(self, shape: tuple[int, int], dx: tuple[float, ...], device: torch.device) -> None:
        kx, ky = (
            2 * math.pi * torch.fft.fftfreq(n, d, dtype=torch.float64, device=device)
            for n, d in zip(shape, dx, strict=True)
        )
        # The Nyquist mode stands for both directions and has no derivative.
        for k, n in ((kx, shape[0]), (ky, shape[1])):
            if n % 2 == 0:
                k[n // 2] = 0
        self.kx, self.ky = kx[:, None], ky[None, :]
        self.k2 = self.kx**2 + self.ky**2
        over = torch.where(self.k2 > 0, 1 / self.k2.clamp_min(1e-300) ** 2, 0.0) / (1 + BETA / 8)
        self._real, self._imaginary = 2 * self.kx * self.ky * over, -(self.kx**2 - self.ky**2) * over

    def __call__(self, stress: Tensor, c: Tensor, a4: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """u_x, u_y, strain e and spin w, for the stress s (complex) without its part that holds the strain.

        ∇⁴ψ (1 + β/8) = (∂ₓ² - ∂_y²) Im s - 2 ∂ₓ∂_y Re s, where s gains β/4 [(c - 1) e + conj(e) A₄].
        """
        strain = torch.zeros_like(stress)
        psi = strain
        for _ in range(SWEEPS):
            whole = stress + BETA / 4 * ((c - 1) * strain + strain.conj() * a4)
            psi = self._real * torch.fft.fft2(whole.real) + self._imaginary * torch.fft.fft2(whole.imag)
            strain = torch.complex(
                self._field(-self.kx * self.ky * psi), self._field((self.kx**2 - self.ky**2) / 2 * psi)
            )
        u, w = self._field(1j * self.ky * psi), self._field(-1j * self.kx * psi)
        return u, w, strain, self._field(self.k2 / 2 * psi)

    @staticmethod
    def _field(modes: Tensor) -> Tensor:
        return torch.fft.ifft2(modes).real


def active_matter(window: OracleWindow) -> dict[str, Tensor]:
    """α and ζ.

    Raises:
        PhysrepError: an axis is not periodic, so that the flow cannot be solved for.
    """
    clip, integral = window.clip, window.integral
    if not all(clip.periodic):
        raise PhysrepError("active_matter: the oracle solves for the flow in a periodic box; do not crop the data.")
    a2 = torch.complex(window["D_xx"] - window["D_yy"], window["D_xy"] + window["D_yx"])
    c = window["D_xx"] + window["D_yy"]
    a4 = BinghamClosure(torch.float64, a2.device)(a2.abs().square() / c**2) * a2**2 / c
    aligned = c * a2 - a2.conj() * a4
    stokes = Stokes((a2.shape[2], a2.shape[3]), clip.dx, a2.device)

    def pair(value: Tensor, *orders: tuple[int, int, int]) -> Tensor:
        return torch.cat([integral(value.real, *orders), integral(value.imag, *orders)], 1)

    def moved(stress: Tensor) -> Tensor:
        """What the flow of this stress does to A₂."""
        u, w, strain, spin = stokes(stress, c, a4)
        turned = 2j * spin * a2 + c * strain - strain.conj() * a4
        return pair(u * a2, DX) + pair(w * a2, DY) + pair(turned, VALUE)

    columns = [moved(a2 / 2), moved(-BETA / 4 * aligned) + pair(aligned, VALUE)]
    diffusion = pair(a2, (0, 2, 0), (0, 0, 2)) - 4 * pair(a2, VALUE)
    alpha, zeta = least_squares(columns, -pair(a2, DT) - DIFFUSION * diffusion).unbind(1)
    return {"alpha": alpha, "zeta": zeta}

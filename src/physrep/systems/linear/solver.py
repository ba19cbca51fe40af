r"""Exact integration of linear equations with constant coefficients.

In a basis of eigenfunctions of the Laplacian (Fourier or sine modes) every mode evolves by itself,

    û_k(t + Δt) = P_k(Δt) û_k(t),        P_k(Δt) = exp(A_k Δt)

with a small matrix P_k (1 × 1 for one field, 2 × 2 for a field and its rate) that is known in closed form. So there is
no time step and no error of time integration: a stored frame costs one product per mode and one inverse transform.
Coefficients and P are float64 whatever the precision of the fields, so that errors do not add up over frames.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor

from ..solver import Solver

Propagator = Callable[[float], Tensor]
"""Interval to P with shape ``(B, P, P, *modes)``, float64 or complex128."""


class SpectralBasis(Protocol):
    """A grid with transforms between fields and coefficients: `FourierGrid` or `SineGrid`."""

    k2: Tensor

    def to_spectral(self, field: Tensor) -> Tensor: ...

    def to_physical(self, coefficients: Tensor) -> Tensor: ...


class LinearSolver(Solver):
    """The modes of one batch.

    Args:
        basis: the grid.
        start: fields at t = 0 by name, in the order of the propagator's rows, each ``(B, *S)`` in float64.
        propagator: see `Propagator`.
        dtype: of the stored fields.
    """

    def __init__(
        self, basis: SpectralBasis, start: dict[str, Tensor], propagator: Propagator, dtype: torch.dtype
    ) -> None:
        self.basis, self.names, self.propagator, self.dtype = basis, tuple(start), propagator, dtype
        self.state = torch.stack([basis.to_spectral(field.double()) for field in start.values()], 1)
        self._interval, self._factor = math.nan, self.state

    def snapshot(self) -> dict[str, Tensor]:
        """All fields, each transformed by itself: its bits do not depend on what is stored beside it."""
        kind = torch.promote_types(self.dtype, torch.complex64) if self.state.is_complex() else self.dtype
        return {
            name: self.basis.to_physical(self.state[:, row].to(kind, memory_format=torch.contiguous_format))
            for row, name in enumerate(self.names)
        }

    def advance(self, interval: float) -> None:
        """One exact step."""
        if interval != self._interval:
            self._interval, self._factor = interval, self.propagator(interval)
        if len(self.names) == 1:
            self.state = self.state * self._factor[:, 0]
        else:
            self.state = (self._factor * self.state[:, None]).sum(2)

    def faults(self) -> dict[int, str]:
        """Rows that are not finite (the equations only let fields decay: a start was too large for the precision)."""
        values = torch.view_as_real(self.state) if self.state.is_complex() else self.state
        finite = values.abs().flatten(1).sum(1) < torch.finfo(self.dtype).max
        return {row: "not finite" for row in (~finite).nonzero()[:, 0].tolist()}

    def rest(self, rows: Sequence[int]) -> None:
        """No field at all."""
        self.state[list(rows)] = 0


def parameter_column(parameter: Tensor, k2: Tensor) -> Tensor:
    """A parameter ``(B,)`` as float64 that broadcasts over modes: ``(B, 1, ..., 1)``."""
    return parameter.to(k2.device, torch.float64).view(-1, *[1] * k2.dim())


def decay(rate: Tensor, interval: float) -> Tensor:
    """P of ``∂ₜû = -rate û`` with ``rate`` (B, *modes), real or complex: (B, 1, 1, *modes)."""
    return torch.exp(-rate * interval)[:, None, None]


def damped_oscillation(stiffness: Tensor, damping: Tensor, interval: float) -> Tensor:
    r"""P of ``∂ₜ²û + γ ∂ₜû + w² û = 0`` acting on (û, ∂ₜû), accurate on both sides of the critical damping γ = 2w.

    With a = γ/2 and σ² = |a² - w²|,

        E C = e^{-at} cos σt  or  e^{-at} cosh σt        E S = e^{-at} sin(σt)/σ  or  e^{-at} sinh(σt)/σ

        P = | E C + a E S         E S     |
            |    -w² E S     E C - a E S  |

    The overdamped branch is written with the slow rate s = a - σ = w²/(a + σ), free of cancellation and overflow:
    E C = e^{-st}(1 + e^{-2σt})/2, E S = e^{-st}(1 - e^{-2σt})/(2σ). Both branches tend to E S = t e^{-at} at σ = 0.

    Args:
        stiffness: w² = c²k² with shape ``(B, *modes)``.
        damping: γ, broadcasting to it.
        interval: t.

    Returns:
        P with shape ``(B, 2, 2, *modes)``.
    """
    a = (damping / 2).expand_as(stiffness)
    excess = a**2 - stiffness
    sigma = excess.abs().sqrt()
    over = excess > 0
    twice = 2 * sigma * interval
    slow = torch.exp(-stiffness / (a + sigma).clamp(min=1e-300) * interval)
    ratio = torch.where(twice > 0, -torch.expm1(-twice) / twice.clamp(min=1e-300), torch.ones_like(twice))
    envelope = torch.exp(-a * interval)
    cosine = torch.where(over, slow * (1 + torch.exp(-twice)) / 2, envelope * torch.cos(sigma * interval))
    sine = interval * torch.where(over, slow * ratio, envelope * torch.sinc(sigma * interval / math.pi))
    rows = [torch.stack([cosine + a * sine, sine], 1), torch.stack([-stiffness * sine, cosine - a * sine], 1)]
    return torch.stack(rows, 1)

r"""Rows of the weak form: the library and the change of a window, integrated against every test function.

    ∫∫ χ w ∂ₜu_c  =  -∫∫ χ w' u_c  =  Σ_k W_kc ∫∫ χ w φ_k(u)

The derivatives of a column lie on χ, those of time on w: nothing is ever differentiated that was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .library import LOCAL, MULTIPLIERS, Factor, Term
from .test_functions import periodic_matrices, time_matrices, walled_matrices
from .views import can_split, half_views


@dataclass(frozen=True)
class Geometry:
    """What the rows of a window depend on, beside its values.

    Attributes:
        shape: points (T, H, W).
        dt, dx: spacings.
        periodic, spacing: of the two axes.
        modes: largest mode of each axis.
    """

    shape: tuple[int, int, int]
    dt: float
    dx: tuple[float, float]
    periodic: tuple[bool, bool]
    spacing: tuple[str, str]
    modes: tuple[int, int]


@dataclass
class Rows:
    """Columns and targets of a batch of windows in two views; the same tensors twice where only one view exists.

    Attributes:
        x_a, x_b: float64 ``(B, R, K)``, real and imaginary parts as rows of their own.
        y_a, y_b: float64 ``(B, R, C)``.
    """

    x_a: Tensor
    x_b: Tensor
    y_a: Tensor
    y_b: Tensor


class WeakRows:
    """The rows of one geometry and library.

    Args:
        geometry: of the windows.
        terms: the library's columns.
        channels: names of the C channels, in the order of the fields.
        targets: channels whose change is explained; default all.
    """

    def __init__(
        self, geometry: Geometry, terms: Sequence[Term], channels: Sequence[str], device: torch.device | str = "cpu"
    ) -> None:
        self.geometry, self.terms, self.channels = geometry, list(terms), list(channels)
        frames, *points = geometry.shape
        self.space: list[list[Tensor]] = []
        first = geometry.periodic.index(True) if any(geometry.periodic) else -1
        for axis, n in enumerate(points):
            length = n * geometry.dx[axis]
            if geometry.periodic[axis]:
                # A real field: the modes of one half of the plane say everything.
                matrices = periodic_matrices(n, length, geometry.modes[axis], half=axis == first)
            else:
                matrices = walled_matrices(n, length, geometry.modes[axis], geometry.spacing[axis])
            self.space.append([matrix.to(device) for matrix in matrices])
        self.value, self.rate = (matrix.to(device) for matrix in time_matrices(frames, geometry.dt))
        self.products = sorted({term.factors for term in self.terms}, key=lambda f: (len(f), f))
        self.split = can_split(points, geometry.periodic)
        self._multipliers: dict[str, Tensor] = {}
        self.device = device

    def __call__(self, x: Tensor, halves: bool = True) -> Rows:
        """Rows of normalised fields ``(B, C, T, H, W)``; in two views if ``halves`` and the grid allows it."""
        x = x.double()
        if halves and self.split:
            a, b = half_views(x, self.geometry.periodic)
            (x_a, y_a), (x_b, y_b) = self.view(a), self.view(b)
            return Rows(x_a, x_b, y_a, y_b)
        x_a, y_a = self.view(x)
        return Rows(x_a, x_a, y_a, y_a)

    def view(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Columns ``(B, R, K)`` and targets ``(B, R, C)`` of one view, real."""
        factors = self._factors(x)
        columns: list[Tensor | None] = [None] * len(self.terms)
        for product in self.products:
            field: Tensor | None = None
            for factor in product:
                field = factors[factor] if field is None else field * factors[factor]
            if field is None:
                field = torch.ones_like(x[:, 0])
            field = torch.einsum("nt,bthw->bnhw", self.value, field).to(torch.complex128)
            wanted = {i: term.order for i, term in enumerate(self.terms) if term.factors == product}
            along = {a: self.space[0][a] @ field for a in {order[0] for order in wanted.values()}}
            for i, (a, b) in wanted.items():
                columns[i] = (along[a] @ self.space[1][b].T).flatten(1)
        matrix = torch.stack([column for column in columns if column is not None], 2)
        change = torch.einsum("nt,bcthw->bcnhw", self.rate, x).to(torch.complex128)
        target = (self.space[0][0] @ change @ self.space[1][0].T).flatten(2).transpose(1, 2)
        return torch.cat([matrix.real, matrix.imag], 1), torch.cat([target.real, target.imag], 1)

    def _factors(self, x: Tensor) -> dict[Factor, Tensor]:
        wanted = {factor for product in self.products for factor in product}
        found: dict[Factor, Tensor] = {}
        for index, channel in enumerate(self.channels):
            names = [name for c, name in wanted if c == channel and name != LOCAL]
            found[channel, LOCAL] = x[:, index]
            if names:
                spectrum = torch.fft.fftn(x[:, index], dim=(-2, -1))
                for name in names:
                    found[channel, name] = torch.fft.ifftn(spectrum * self._multiplier(name), dim=(-2, -1)).real
        return found

    def _multiplier(self, name: str) -> Tensor:
        """``i^n exp(inφ) |k|^-s``, its part, on the modes of the grid; 0 for the mean."""
        if name not in self._multipliers:
            power, number, part = MULTIPLIERS[name]
            kx, ky = (
                2 * math.pi * torch.fft.fftfreq(n, dx, dtype=torch.float64)
                for n, dx in zip(self.geometry.shape[1:], self.geometry.dx, strict=True)
            )
            size = (kx[:, None] ** 2 + ky**2).sqrt()
            angle = torch.atan2(ky.expand_as(size), kx[:, None].expand_as(size))
            value = torch.cos(number * angle) if part == "cos" else torch.sin(number * angle)
            value = value / torch.where(size > 0, size, torch.inf) ** power if power else value * (size > 0)
            self._multipliers[name] = ((1j if number % 2 else 1.0) * value).to(torch.complex128).to(self.device)
        return self._multipliers[name]


def geometry_of(
    shape: Sequence[int],
    dt: float,
    dx: Sequence[float],
    periodic: Sequence[bool],
    spacing: Sequence[str],
    modes: Sequence[int],
) -> Geometry:
    """A `Geometry` whose modes the grid can hold: at most a quarter of a periodic axis."""
    _, h, w = shape
    held = [min(m, n // 4) if around else min(m, n - 2) for m, n, around in zip(modes, (h, w), periodic, strict=True)]
    return Geometry(
        (shape[0], h, w),
        float(dt),
        (dx[0], dx[1]),
        (periodic[0], periodic[1]),
        (spacing[0], spacing[1]),
        (held[0], held[1]),
    )

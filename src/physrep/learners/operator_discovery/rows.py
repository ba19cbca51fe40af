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

from ...clip import Clip
from .library import LOCAL, MULTIPLIERS, Factor, Term
from .test_functions import periodic_matrices, time_matrices, walled_matrices
from .views import can_split, half_views

CHUNK = 4
"""Windows whose columns are made at a time on a CPU."""


@dataclass(frozen=True)
class Geometry:
    """What the rows of a window depend on, beside its values.

    Attributes:
        shape: points (T, H, W).
        dt, dx: spacings.
        periodic: of the two axes.
        coordinates: per axis its points if they are not equally spaced, else None.
        modes: largest mode of each axis.
    """

    shape: tuple[int, int, int]
    dt: float
    dx: tuple[float, float]
    periodic: tuple[bool, bool]
    coordinates: tuple[tuple[float, ...] | None, ...]
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
        device: where the rows are made.
    """

    def __init__(
        self, geometry: Geometry, terms: Sequence[Term], channels: Sequence[str], device: torch.device | str = "cpu"
    ) -> None:
        self.geometry, self.terms, self.channels = geometry, list(terms), list(channels)
        frames, height, width = geometry.shape
        points = (height, width)
        self.space: list[list[Tensor]] = []
        first = geometry.periodic.index(True) if any(geometry.periodic) else -1
        for axis, n in enumerate((height, width)):
            length = n * geometry.dx[axis]
            if geometry.periodic[axis]:
                # A real field: the modes of one half of the plane say everything.
                matrices = periodic_matrices(n, length, geometry.modes[axis], half=axis == first)
            else:
                own = geometry.coordinates[axis]
                even = torch.arange(n, dtype=torch.float64) * geometry.dx[axis]
                placed = even if own is None else torch.tensor(own, dtype=torch.float64)
                matrices = walled_matrices(placed, geometry.modes[axis])
            self.space.append([matrix.to(device) for matrix in matrices])
        self.value, self.rate = (matrix.to(device) for matrix in time_matrices(frames, geometry.dt))
        self.products = sorted({term.factors for term in self.terms}, key=lambda f: (len(f), f))
        self.split = can_split(points, geometry.periodic)
        self.chunk = CHUNK if torch.device(device).type == "cpu" else 64
        self._multipliers: dict[str, Tensor] = {}
        self.device = device

    def __call__(self, x: Tensor, halves: bool = True) -> Rows:
        """Rows of normalised fields ``(B, C, T, H, W)``; in two views if ``halves`` and the grid allows it."""
        both = halves and self.split
        parts = []
        # Few windows at a time: their products stay in the processor's cache.
        for part in x.double().split(self.chunk):
            views = half_views(part, self.geometry.periodic) if both else (part,)
            parts.append([tensor for view in views for tensor in self._view(view)])
        joined = [torch.cat(tensors) for tensors in zip(*parts, strict=True)]
        if both:
            return Rows(joined[0], joined[2], joined[1], joined[3])
        return Rows(joined[0], joined[0], joined[1], joined[1])

    def view(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Columns ``(B, R, K)`` and targets ``(B, R, C)`` of the fields as they are, real."""
        rows = self(x, halves=False)
        return rows.x_a, rows.y_a

    def _view(self, x: Tensor) -> tuple[Tensor, Tensor]:
        factors = self._factors(x)
        rows = self.value.shape[0] * self.space[0][0].shape[0] * self.space[1][0].shape[0]
        matrix = torch.empty(len(x), 2 * rows, len(self.terms), dtype=torch.float64, device=x.device)
        for product in self.products:
            field: Tensor | None = None
            for factor in product:
                field = factors[factor] if field is None else field * factors[factor]
            if field is None:
                field = torch.ones_like(x[:, 0])
            field = (self.value @ field.flatten(2)).view(len(x), -1, *field.shape[2:]).to(torch.complex128)
            wanted = {i: term.order for i, term in enumerate(self.terms) if term.factors == product}
            along = {a: self.space[0][a] @ field for a in {order[0] for order in wanted.values()}}
            for i, (a, b) in wanted.items():
                column = (along[a] @ self.space[1][b].T).flatten(1)
                matrix[:, :rows, i], matrix[:, rows:, i] = column.real, column.imag
        change = (self.rate @ x.flatten(3)).view(*x.shape[:2], -1, *x.shape[3:]).to(torch.complex128)
        target = (self.space[0][0] @ change @ self.space[1][0].T).flatten(2).transpose(1, 2)
        return matrix, torch.cat([target.real, target.imag], 1)

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


def geometry_of(clip: Clip, modes: Sequence[int]) -> Geometry:
    """The geometry of a clip; modes that its grid cannot hold are left out (beyond a quarter of a periodic axis)."""
    frames, h, w = clip.fields.shape[2:]
    own = clip.coordinates or (None, None)
    held = [
        min(m, n // 4) if around else min(m, n - 2) for m, n, around in zip(modes, (h, w), clip.periodic, strict=True)
    ]
    return Geometry(
        (frames, h, w),
        float(clip.dt),
        (clip.dx[0], clip.dx[1]),
        (clip.periodic[0], clip.periodic[1]),
        tuple(None if points is None else tuple(points.tolist()) for points in own),
        (held[0], held[1]),
    )

r"""Rows of the weak form: the library and the change of a window, integrated against every test function.

    ∫∫ χ w ∂ₜu_c  =  -∫∫ χ w' u_c  =  Σ_k W_kc ∫∫ χ w φ_k(u)

The derivatives of a column lie on χ, those of time on w: nothing is ever differentiated that was measured.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .geometry import Geometry
from .library import LOCAL, MULTIPLIERS, Factor, Term
from .test_functions import alternating, periodic_matrix, time_matrices, walled_matrices
from .trained_basis import TrainedBasis, forecast_matrices
from .views import at_a_time, can_split, half_views


@dataclass
class Rows:
    """Columns and targets of a batch of windows in two views; the same tensors twice where only one view exists.

    Attributes:
        x_a, x_b: float64 ``(B, R, K)``, real and imaginary parts as rows of their own.
        y_a, y_b: float64 ``(B, R, C)``.
        noise: variance of the white noise of each window, mean over the channels, ``(B,)``; None if not measured.
    """

    x_a: Tensor
    x_b: Tensor
    y_a: Tensor
    y_b: Tensor
    noise: Tensor | None = None


class WeakRows:
    """The rows of one geometry and library.

    Args:
        geometry: of the windows.
        terms: the library's columns.
        channels: names of the C channels, in the order of the fields.
        device: where the rows are made.
        basis: of the columns that are trained, if there are any; with a memory it says what stands for the change.
    """

    def __init__(
        self,
        geometry: Geometry,
        terms: Sequence[Term],
        channels: Sequence[str],
        device: torch.device | str = "cpu",
        basis: TrainedBasis | None = None,
    ) -> None:
        self.geometry, self.terms, self.channels, self.basis = geometry, list(terms), list(channels), basis
        self.relations = list(dict.fromkeys(term.target for term in self.terms if term.target))
        frames, *points = geometry.shape
        # Per axis: the matrices that are applied, and what their result is multiplied with for each order.
        self.matrices: list[list[Tensor]] = []
        self.factors: list[list[Tensor]] = []
        first = geometry.periodic.index(True) if any(geometry.periodic) else -1
        for axis, n in enumerate(points):
            length, modes = n * geometry.dx[axis], geometry.modes[axis]
            if geometry.periodic[axis]:
                # A real field: the modes of one half of them say everything.
                matrix, k = periodic_matrix(n, length, modes, half=axis == first)
                self.matrices.append([matrix.to(device)])
                self.factors.append([((1j * k) ** order).to(device) for order in range(3)])
            else:
                own = geometry.coordinates[axis]
                even = torch.arange(n, dtype=torch.float64) * geometry.dx[axis]
                placed = even if own is None else torch.tensor(own, dtype=torch.float64)
                self.matrices.append([m.to(torch.complex128).to(device) for m in walled_matrices(placed, modes)])
                self.factors.append([torch.ones(modes + 1, dtype=torch.complex128, device=device)] * 3)
        self._parts = [[torch.cat([one.real, one.imag]) for one in own] for own in self.matrices]
        if basis is not None and basis.options.memory > 1:
            value, rate = forecast_matrices(frames, geometry.dt, basis.options.memory, basis.options.horizon)
            # A change that is a difference of two frames has no error of quadrature.
            fastest = torch.zeros_like(rate)
        else:
            value, rate = time_matrices(frames, geometry.dt)
            fastest = alternating(rate)
        self.value, self.rate, self.alternating = value.to(device), rate.to(device), fastest.to(device)
        counted = value.any(0).nonzero()[:, 0].tolist()
        # The bumps vanish at their ends: columns are made of the frames between.
        self._frames = slice(counted[0], counted[-1] + 1)
        self.products = sorted({term.factors for term in self.terms}, key=lambda f: (len(f), f))
        self.split = can_split(points, geometry.periodic)
        self.modes = tuple(own[0].shape[0] for own in self.matrices)
        # Modes run from 0 on the first periodic axis and on axes with ends, else from -M.
        self.halves = tuple(not around or axis == first for axis, around in enumerate(geometry.periodic))
        self.count = 2 * self.value.shape[0] * math.prod(self.modes)
        self.gain, self.fast_gain, self.present_gain = map(self._gain, (self.rate, self.alternating, self.value))
        self.chunk = at_a_time(device)
        self._multipliers: dict[str, Tensor] = {}
        # Columns are made together where they need the same matrices.
        self._groups: dict[tuple[int, ...], list[int]] = {}
        for i, term in enumerate(self.terms):
            variant = tuple(o if len(self.matrices[axis]) > 1 else 0 for axis, o in enumerate(term.order))
            self._groups.setdefault(variant, []).append(i)
        self._weights = {
            variant: torch.stack([self._weight(self.terms[i]) for i in members])
            for variant, members in self._groups.items()
        }
        self.device = device

    def __call__(self, x: Tensor, halves: bool = True) -> Rows:
        """Rows of normalised fields ``(B, C, T, *S)``; in two views if ``halves`` and the grid allows it."""
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

    def mixed(self, x: Tensor, split: Tensor) -> Rows:
        """Rows in two views for the windows that ``split`` ``(B,)`` names, in one for the others."""
        if bool(split.all()) or not bool(split.any()):
            return self(x, bool(split.all()))
        order = torch.cat([split.nonzero()[:, 0], (~split).nonzero()[:, 0]]).argsort()
        two, one = self(x[split]), self(x[~split], halves=False)
        return Rows(*(torch.cat([getattr(two, n), getattr(one, n)])[order] for n in ("x_a", "x_b", "y_a", "y_b")))

    def _gain(self, time: Tensor) -> Tensor:
        """Variance of a row for white noise of variance 1 at every point and frame, ``(R,)``.

        Args:
            time: what a row takes of the frames, as `rate`, ``(bumps, T)``.
        """
        power = square = torch.ones((), dtype=torch.complex128)
        for own in self.matrices:
            matrix = own[0].cpu()
            power = power[..., None] * (matrix * matrix.conj()).sum(1)
            square = square[..., None] * (matrix * matrix).sum(1)
        share = time.cpu().square().sum(1)[:, None]
        parts = [(power + sign * square).real.flatten() / 2 for sign in (1, -1)]
        return torch.cat([(share * part.clamp_min(0)).flatten() for part in parts]).to(self.rate.device)

    def change(self, x: Tensor) -> Tensor:
        """Targets alone of the fields as they are ``(B, R, C)``: the changes, then what relations give at once."""
        change = self._targets(x, self.rate)
        present = [self.channels.index(name) for name in self.relations]
        return torch.cat([change, self._targets(x[:, present], self.value)], 2) if present else change

    def unresolved(self, x: Tensor, spectrum: Tensor) -> Tensor:
        """ρ of each window ``(B,)``: what its change holds at the highest frequency of the frames, as a share.

        Args:
            x: normalised fields.
            spectrum: what each row counts by, ``(R,)``, see `physrep.learners.operator_discovery.row_weights`.
        """
        size = [
            (self._targets(x, matrix).square() / spectrum[:, None]).sum((1, 2))
            for matrix in (self.alternating, self.rate)
        ]
        return size[0] / size[1].clamp_min(1e-300)

    def _targets(self, x: Tensor, time: Tensor) -> Tensor:
        change = (time @ x.double().flatten(3)).unflatten(3, x.shape[3:])
        target = self._integrate(change, (0,) * len(self.modes)).flatten(2)
        return torch.cat([target.real, target.imag], 2).transpose(1, 2).contiguous()

    def view(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Columns ``(B, R, K)`` and targets ``(B, R, C)`` of the fields as they are, real."""
        rows = self(x, halves=False)
        return rows.x_a, rows.y_a

    def columns(self, x: Tensor) -> Tensor:
        """Columns ``(B, R, K)`` of the fields as they are, with a gradient where the basis has one."""
        return torch.cat([self._columns(part) for part in x.double().split(self.chunk)])

    def _view(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self._columns(x), self.change(x)

    def _columns(self, x: Tensor) -> Tensor:
        factors, value = self._factors(x), self.value[:, self._frames]
        products = []
        head: tuple[Factor, ...] = ()
        first: Tensor | None = None
        for product in self.products:
            if product[:-1] != head:
                head = product[:-1]
                # In their order most products begin as the one before.
                first = functools.reduce(operator.mul, (factors[factor] for factor in head)) if head else None
            last = factors[product[-1]] if product else torch.ones_like(x[:, 0, self._frames])
            products.append(value @ (last if first is None else first * last).flatten(2))
        fields = torch.stack(products, 1).unflatten(3, x.shape[3:])
        place = {product: i for i, product in enumerate(self.products)}
        matrix = torch.empty(len(x), len(self.terms), self.count, dtype=torch.float64, device=x.device)
        for variant, members in self._groups.items():
            used = sorted({place[self.terms[i].factors] for i in members})
            of = torch.tensor([used.index(place[self.terms[i].factors]) for i in members], device=x.device)
            moments = self._integrate(fields if len(used) == len(place) else fields[:, used], variant)
            columns = (moments[:, of] * self._weights[variant][:, None]).flatten(2)
            index = torch.tensor(members, device=x.device)
            matrix[:, index] = torch.cat([columns.real, columns.imag], 2)
        return matrix.transpose(1, 2).contiguous()

    def _weight(self, term: Term) -> Tensor:
        """What the integrals of a column are multiplied with, ``(*modes,)``: its derivatives, its outer multiplier."""
        weight = self.factors[0][term.order[0]]
        for own, count in zip(self.factors[1:], term.order[1:], strict=True):
            weight = weight[..., None] * own[count]
        if term.outer:
            weight = weight * multiplier(term.outer, *(own[1].imag for own in self.factors))
        return weight

    def _integrate(self, fields: Tensor, variant: tuple[int, ...]) -> Tensor:
        """Against every test function of all axes: real ``(..., *S)`` to complex ``(..., *modes)``."""
        # Products of real matrices, their parts one below the other: those of complex ones take twice the time.
        parts = [own[which] for own, which in zip(self._parts, variant, strict=True)]
        if len(parts) == 1:
            return torch.complex(*(fields @ parts[0].T).chunk(2, -1))
        if len(parts) == 2:
            real, imag = ((parts[0] @ fields) @ parts[1].T).unflatten(-1, (2, -1)).chunk(2, -3)
            return torch.complex(real[..., 0, :] - imag[..., 1, :], real[..., 1, :] + imag[..., 0, :])
        along = torch.complex(*(parts[0] @ fields.flatten(-2)).chunk(2, -2))
        middle, last = (own[which] for own, which in zip(self.matrices[1:], variant[1:], strict=True))
        return (middle @ along.unflatten(-1, (middle.shape[1], -1))) @ last.T

    def _factors(self, x: Tensor) -> dict[Factor, Tensor]:
        """Every field that a product needs, at the frames that count, ``(B, frames, *S)``."""
        wanted = {factor for product in self.products for factor in product}
        found: dict[Factor, Tensor] = {}
        if self.basis is not None and any(channel in self.basis.names for channel, _ in wanted):
            maps = self.basis(x.float(), self.geometry.periodic).double()
            found |= {(name, LOCAL): maps[:, j, self._frames] for j, name in enumerate(self.basis.names)}
        x = x[:, :, self._frames]
        for index, channel in enumerate(self.channels):
            names = [name for c, name in wanted if c == channel and name != LOCAL]
            found[channel, LOCAL] = x[:, index]
            if names:
                spectrum = torch.fft.fftn(x[:, index], dim=(-2, -1))
                for name in names:
                    found[channel, name] = torch.fft.ifftn(spectrum * self._multiplier(name), dim=(-2, -1)).real
        return found

    def _multiplier(self, name: str) -> Tensor:
        """On the modes of the grid."""
        if name not in self._multipliers:
            k = (
                2 * math.pi * torch.fft.fftfreq(n, dx, dtype=torch.float64)
                for n, dx in zip(self.geometry.shape[1:], self.geometry.dx, strict=True)
            )
            self._multipliers[name] = multiplier(name, *k).to(self.device)
        return self._multipliers[name]


def multiplier(name: str, kx: Tensor, ky: Tensor) -> Tensor:
    """``i^n exp(inφ) |k|^-s``, its part, on modes ``(M_x, M_y)``; 0 for the mean.

    Args:
        name: of `MULTIPLIERS`.
        kx, ky: wave numbers of the axes.
    """
    power, number, part = MULTIPLIERS[name]
    size = (kx[:, None] ** 2 + ky**2).sqrt()
    angle = torch.atan2(ky.expand_as(size), kx[:, None].expand_as(size))
    value = torch.cos(number * angle) if part == "cos" else torch.sin(number * angle)
    value = value / torch.where(size > 0, size, 1.0) ** power * (size > 0)
    return ((1j if number % 2 else 1.0) * value).to(torch.complex128)

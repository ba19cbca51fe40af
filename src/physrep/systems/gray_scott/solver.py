r"""Time stepping of the Gray-Scott equations in any dimension; `gray_scott` states the equations.

With the deficit U = 1 - A both equations have the same nonlinear term and no constant one,

    ∂ₜU = δ_A ∇²U - F U + A B²        ∂ₜB = δ_B ∇²B - (F + k) B + A B²

so that a stage of the exponential Runge-Kutta method takes two inverse and one forward transform. The linear part L is
diagonal, real and negative in Fourier space. Method ETDRK4 (Cox and Matthews 2002), with N = A B² and h the step:

    a = e^{Lh/2} v + (h/2) φ₁(Lh/2) N(v)        b = e^{Lh/2} v + (h/2) φ₁(Lh/2) N(a)
    c = e^{Lh/2} a + (h/2) φ₁(Lh/2) (2 N(b) - N(v))
    v ← e^{Lh} v + h (φ₁ - 3φ₂ + 4φ₃) N(v) + 2h (φ₂ - 2φ₃) (N(a) + N(b)) + h (4φ₃ - φ₂) N(c)

It keeps every steady state exactly, which integrating factors do not: most Gray-Scott patterns end steady.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..grids.fourier_grid import FourierGrid
from ..linear.solver import parameter_column
from ..solver import Solver

STEP = 2.0
"""Longest time step: its error (1e-4 at t = 200) is a hundredth of that of the default grid (docs/systems)."""

REACTION = 1.2
"""Largest product of time step and reaction rate 2AB + B²: it shortens the first steps of starts with high B."""

PIECE = 20.0
"""Longest time over which the number of steps is planned in advance."""

NOTHING = 1e-15
"""A whole field below this is set to 0. It is less than rounding of A = 1; and where B dies out, numbers near the
smallest of float32 would slow down every product a hundredfold."""

LIMIT = 10.0
"""A concentration above this has blown up: A stays below 1 where it starts there, and B below about 1."""


def phi(z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """φ₁ = (e^z - 1)/z, φ₂ = (φ₁ - 1)/z, φ₃ = (φ₂ - 1/2)/z, to rounding also near 0 (float64, z ≤ 0)."""
    small = z.abs() < 1.0
    safe = torch.where(small, torch.ones_like(z), z)
    tame = torch.where(small, z, torch.zeros_like(z))
    # Σ zⁿ / (n + 3)! for φ₃, and back by φ₂ = 1/2 + z φ₃, φ₁ = 1 + z φ₂: no cancellation.
    series = torch.zeros_like(z)
    for n in range(17, -1, -1):
        series = series * tame + 1 / math.factorial(n + 3)
    one = torch.where(small, 1 + tame * (0.5 + tame * series), torch.expm1(safe) / safe)
    two = torch.where(small, 0.5 + tame * series, (one - 1) / safe)
    three = torch.where(small, series, (two - 0.5) / safe)
    return one, two, three


class GrayScottSolver(Solver):
    """The semi-discrete equations of one batch.

    Args:
        grid: points and modes, of any dimension.
        parameters: ``F`` and ``k`` with shape ``(B,)``.
        diffusivities: (δ_A, δ_B).
        start: A and B with shape ``(B, 2, *S)``, float64.
        dtype: float32 or float64.
        max_dt: longest time step, at most `STEP`.
    """

    def __init__(
        self,
        grid: FourierGrid,
        parameters: dict[str, Tensor],
        diffusivities: tuple[float, float],
        start: Tensor,
        dtype: torch.dtype,
        max_dt: float | None = None,
    ) -> None:
        self.grid, self.dtype, self.longest = grid, dtype, min(STEP, max_dt or STEP)
        feed, kill = parameter_column(parameters["F"], grid.k2), parameter_column(parameters["k"], grid.k2)
        self._linear = -torch.stack([diffusivities[0] * grid.k2 + feed, diffusivities[1] * grid.k2 + feed + kill], 1)
        deficit = torch.stack([1 - start[:, 0], start[:, 1]], 1)
        self.state = grid.to_spectral(deficit).to(torch.promote_types(dtype, torch.complex64))
        self._weights: dict[tuple[float, tuple[int, ...]], tuple[Tensor, ...]] = {}

    def snapshot(self) -> dict[str, Tensor]:
        """A and B."""
        return {
            "A": 1 - self.grid.to_physical(self.state[:, 0]),
            "B": self.grid.to_physical(self.state[:, 1]),
        }

    def faults(self) -> dict[int, str]:
        """Rows that are not finite or have a concentration beyond `LIMIT`."""
        peak = self.grid.to_physical(self.state).abs().flatten(1).amax(1)
        return {row: f"not finite or above {LIMIT:g}" for row in (~(peak <= LIMIT)).nonzero()[:, 0].tolist()}

    def rest(self, rows: Sequence[int]) -> None:
        """The uniform state A = 1, B = 0."""
        self.state[list(rows)] = 0

    def steps(self, interval: float) -> list[int]:
        """Number of equal steps per trajectory: as long as `STEP` and the present rate of reaction allow."""
        fields = self.grid.to_physical(self.state)
        deficit, b = fields.unbind(1)
        rates = (2 * ((1 - deficit) * b).abs() + b * b).flatten(1).amax(1).tolist()
        self.state[fields.abs().flatten(2).amax(2) < NOTHING] = 0
        return [math.ceil(interval * max(1 / self.longest, rate / REACTION) - 1e-9) for rate in rates]

    def advance(self, interval: float) -> None:
        """Integrate over ``interval``, in pieces of at most `PIECE`."""
        pieces = max(1, math.ceil(interval / PIECE - 1e-9))
        for _ in range(pieces):
            self._advance_piece(interval / pieces)

    def _advance_piece(self, interval: float) -> None:
        """Rows that need equally many steps are taken together."""
        groups: dict[int, list[int]] = {}
        for row, count in enumerate(self.steps(interval)):
            groups.setdefault(count, []).append(row)
        keys = {count: (interval / count, tuple(rows)) for count, rows in groups.items()}
        self._weights = {key: self._weights[key] for key in keys.values() if key in self._weights}
        state = torch.view_as_real(self.state)
        for count, rows in groups.items():
            if keys[count] not in self._weights:
                self._weights[keys[count]] = self._coefficients(*keys[count])
            weights = self._weights[keys[count]]
            if len(groups) == 1:
                state = self._integrate(state, weights, count)
            else:
                state[rows] = self._integrate(state[rows], weights, count)
        self.state = torch.view_as_complex(state)

    def _integrate(self, v: Tensor, weights: tuple[Tensor, ...], count: int) -> Tensor:
        """``count`` steps of ETDRK4 on the real view (B, 2, *modes, 2)."""
        half, full, stage, first, middle, last = weights
        for _ in range(count):
            n = self._reaction(v)
            decayed = v * half
            a = torch.addcmul(decayed, stage, n)
            na = self._reaction(a)
            nb = self._reaction(torch.addcmul(decayed, stage, na))
            nc = self._reaction(a.mul_(half).addcmul_(stage, torch.add(-n, nb, alpha=2)))
            v = (v * full).addcmul_(first, n).addcmul_(middle, na.add_(nb)).addcmul_(last, nc)
        return v

    def _reaction(self, v: Tensor) -> Tensor:
        """Coefficients of A B² as a real view (B, 1, *modes, 2)."""
        deficit, b = self.grid.to_physical(torch.view_as_complex(v)).unbind(1)
        product = torch.addcmul(b, deficit, b, value=-1).mul_(b)
        return torch.view_as_real(self.grid.to_spectral(product)[:, None])

    def _coefficients(self, dt: float, rows: tuple[int, ...]) -> tuple[Tensor, ...]:
        """e^{Lh/2}, e^{Lh} and the four weights of the method, (B, 2, *modes, 1), computed in float64."""
        z = self._linear[list(rows)] * dt
        one, two, three = phi(z)
        weights = (
            torch.exp(z / 2),
            torch.exp(z),
            dt / 2 * phi(z / 2)[0],
            dt * (one - 3 * two + 4 * three),
            2 * dt * (two - 2 * three),
            dt * (4 * three - two),
        )
        return tuple(weight[..., None].to(self.dtype) for weight in weights)

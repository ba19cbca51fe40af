r"""Time stepping of Rayleigh-Bénard convection; `rayleigh_benard` states the equations and the method.

State: for every trajectory and wavenumber the coefficients, in the eigenvectors of d²/dy², of ω and of θ = b - (1 - y).
The column of ω at k = 0 holds the mean flow U(y) instead, which obeys ∂ₜU = ν U″ - ∂_y<u_x u_y>. In this basis

    ∇² is the number λ_n - κ_k²,    so ψ = -ω/(λ_n - κ_k²), and an implicit step is a division.

`walls` keeps the walls free of slip. The nonlinear term of the vorticity is taken in the form

    -u·∇ω = (∂_y² - ∂ₓ²)(u_x u_y) + ∂ₓ∂_y (u_x² - u_y²).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..grids.chebyshev import lobatto
from ..solver import Solver
from .buffers import Buffers, work_arrays
from .channel import Channel
from .frames import FrameMaker
from .walls import NoSlip

COURANT = 1.7
"""Courant number Δt (κ_max|u_x| + k_y|u_y|), with k_y = N/√(y(1-y)) the finest local wavenumber along y. The explicit
part is stable to 1.73 for a mode that meets the largest rate everywhere; runs stay stable to about 3.5."""

LARGEST_STEP = 0.1
"""Time step of a slow flow, for accuracy: free-fall time is 1."""

PIECE = 0.25
"""Time after which the steps are chosen anew."""

SPEED_LIMIT = 20.0
"""A velocity component above this has blown up: free fall over the whole height gives about 1."""

OVERSHOOT = 3.0
"""Buoyancy beyond this many times its largest start has blown up: it obeys a maximum principle."""

# Low-storage Runge-Kutta (explicit γ, ζ) with Crank-Nicolson (implicit α, β) of Spalart, Moser and Rogers.
ALPHA = (29 / 96, -3 / 40, 1 / 6)
BETA = (37 / 160, 5 / 24, 1 / 6)
GAMMA = (8 / 15, 5 / 12, 3 / 4)
ZETA = (0.0, -17 / 60, -5 / 12)


class RayleighBenardSolver(Solver):
    """The semi-discrete equations of one batch.

    Trajectories never interact: each takes its own number of steps. The rows are kept sorted by that number, so that
    those that still have steps to take are always the first ones. The loop over stages is bound by memory traffic and
    calls, so it works in preallocated buffers, and matrix products write where the next stage reads.

    Args:
        channel: grid and matrices.
        parameters: ``Rayleigh`` and ``Prandtl``, ``(B,)``.
        state: coefficients of ω (mean flow at k = 0) and θ, float64, ``(B, 2, K, 2n)``; see `coefficients`.
        frame_maker: makes stored fields.
        max_dt: bounds the time step further.
    """

    def __init__(
        self,
        channel: Channel,
        parameters: dict[str, Tensor],
        state: Tensor,
        frame_maker: FrameMaker,
        max_dt: float | None = None,
    ) -> None:
        self.channel, self.frame_maker = channel, frame_maker
        self.largest_step = min(LARGEST_STEP, math.inf if max_dt is None else max_dt)
        rayleigh, prandtl = (parameters[name].to(channel.device).double() for name in ("Rayleigh", "Prandtl"))
        self.viscosity, self.diffusivity = (prandtl / rayleigh).sqrt(), 1 / (rayleigh * prandtl).sqrt()
        self._no_slip = NoSlip(channel)
        self._make_tables()
        batch, (nx, n), modes = len(state), channel.shape, channel.modes
        state = state.to(channel.device).double()
        self._no_slip.apply(state[..., :n], self._no_slip.harmonic(), torch.empty_like(state[..., :n]))
        self.state = state.to(channel.dtype)
        self.order = list(range(batch))
        self.broken: dict[int, str] = {}
        self._steps, self._piece = [0] * batch, 0.0
        self._arrays = work_arrays(batch, nx, n, modes, self.state)
        self._buffers: dict[int, Buffers] = {}
        self._keep = self.state.new_empty(3, batch, 1, modes, 2 * n)
        self._gain, self._wall = torch.empty_like(self._keep), self.state.new_empty(3, batch, 1, modes, n)
        hottest = (self._physical(self.state).theta + self._conduction).abs().amax((1, 2))
        self.buoyancy_limit = OVERSHOOT * hottest.clamp(min=1.0)

    def _make_tables(self) -> None:
        channel = self.channel
        n, eigen, derivative = channel.shape[1], channel.eigen, channel.derivative
        kappa, cast = channel.kappa, channel.cast
        self._laplacian = channel.helmholtz
        stream = -1 / self._laplacian
        stream[0] = 1.0  # the mean flow passes unchanged
        self._stream = cast(stream)
        inner = derivative[1:-1, 1:-1]
        self._to_nodes, self._to_slopes = cast(eigen.vectors.T), cast((inner @ eigen.vectors).T)
        self._project, self._project_dy = cast(eigen.inverse.T), cast((eigen.inverse @ inner).T)
        shear = channel.helmholtz + 2 * kappa**2
        shear[0] = 0.0
        self._shear = cast(shear)
        matrices = (-channel.to_points_dx, channel.to_points, channel.to_modes, channel.to_modes_dx)
        self._w_from_psi, self._to_points, self._to_modes, self._to_modes_dx = (
            matrix.expand(self.viscosity.numel(), -1, -1) for matrix in matrices
        )
        self._kappa, self._minus_kappa = cast(kappa), cast(-kappa)
        y = lobatto(n)[1:-1]
        self._conduction = cast(1 - y)
        self._courant_x = float(kappa.max())
        self._courant_y = cast((n + 1) / (y * (1 - y)).sqrt())

    def _buffer(self, rows: int) -> Buffers:
        """Work arrays for the first rows."""
        if rows not in self._buffers:
            self._buffers[rows] = Buffers(self._arrays, rows, self.channel.shape[1])
        return self._buffers[rows]

    def _physical(self, state: Tensor) -> Buffers:
        """Fill ψ's coefficients, and u_y, u_x and θ at the points of the grid."""
        rows, n = len(state), self.channel.shape[1]
        b = self._buffer(rows)
        torch.mul(state[..., :n], self._stream, out=b.psi)
        torch.mm(b.psi_rows, self._to_nodes, out=b.stream_rows)
        torch.mm(b.psi_rows, self._to_slopes, out=b.u_rows)
        torch.mm(state.view(-1, 2 * n)[:, n:], self._to_nodes, out=b.theta_rows)
        b.mean_u.copy_(b.mean_stream)
        torch.bmm(self._w_from_psi[:rows], b.stream_modes, out=b.w)
        torch.bmm(self._to_points[:rows], b.other_modes, out=b.other_points)
        return b

    def _rates(self, state: Tensor, which: int) -> None:
        """Explicit terms of the equations into ``rates[which]``; the physical fields must be those of ``state``."""
        rows, n = len(state), self.channel.shape[1]
        b = self._buffer(rows)
        torch.mul(b.pair, b.w_twice, out=b.plain_pair)
        torch.mul(b.u, b.theta, out=b.u_theta)
        torch.mul(b.u, b.u, out=b.difference).addcmul_(b.w, b.w, value=-1)
        torch.bmm(self._to_modes[:rows], b.plain, out=b.plain_modes)
        torch.bmm(self._to_modes_dx[:rows], b.slanted, out=b.slanted_modes)
        # The row k = 0 of ∂ₓ(u_x² - u_y²) is empty: it carries the flux of the mean flow through the same matrix.
        torch.neg(b.mean_flux, out=b.mean_gap)
        omega_rows, heat_rows = b.omega_rows[which], b.heat_rows[which]
        torch.mm(b.w_theta_rows, self._project_dy, out=heat_rows)
        heat_rows.addmm_(b.u_theta_rows, self._project, beta=-1, alpha=-1)
        torch.mm(b.gap_rows, self._project_dy, out=omega_rows)
        torch.mm(b.uw_rows, self._project, out=b.shear_rows)
        omega, heat = b.rates[which][..., :n], b.rates[which][..., n:]
        omega.addcmul_(b.shear, self._shear)
        # + ∂ₓθ in the vorticity, + u_y = -∂ₓψ in the buoyancy
        theta = state[..., n:]
        omega[:, 0].addcmul_(theta[:, 1], self._minus_kappa)
        omega[:, 1].addcmul_(theta[:, 0], self._kappa)
        heat[:, 0].addcmul_(b.psi[:, 1], self._kappa)
        heat[:, 1].addcmul_(b.psi[:, 0], self._minus_kappa)

    def snapshot(self) -> dict[str, Tensor]:
        """Stored fields, in the order of the batch."""
        back = torch.tensor(self.order, device=self.state.device).argsort()
        fields = self.frame_maker(self.state[back].double(), self.viscosity[back])
        return {name: value.to(self.channel.dtype) for name, value in fields.items()}

    def faults(self) -> dict[int, str]:
        """Trajectories that blew up; the state is examined as well."""
        self._demands()
        return dict(self.broken)

    def rest(self, rows: Sequence[int]) -> None:
        """Conduction without motion."""
        self.state[[self.order.index(row) for row in rows]] = 0

    def _demands(self) -> list[float]:
        """Rate of the explicit terms per row; rows that blew up are named in ``broken`` and put to rest."""
        b = self._physical(self.state)
        u, w = b.u.abs(), b.w.abs()
        rate = torch.addcmul(self._courant_x * u, w, self._courant_y)
        buoyancy = b.theta.add(self._conduction).abs_()
        extremes = torch.stack([part.amax((1, 2)) for part in (rate, torch.maximum(u, w), buoyancy)]).tolist()
        rates = extremes[0]
        for row, (speed, buoyancy, limit) in enumerate(zip(*extremes[1:], self.buoyancy_limit.tolist(), strict=True)):
            if speed <= SPEED_LIMIT and buoyancy <= limit:
                continue
            what = f"faster than {SPEED_LIMIT:g}" if speed > SPEED_LIMIT else f"buoyancy beyond {limit:.3g}"
            finite = math.isfinite(speed) and math.isfinite(buoyancy)
            self.broken.setdefault(self.order[row], what if finite else "not finite")
            self.state[row], rates[row] = 0, 0.0
        return rates

    def advance(self, interval: float) -> None:
        """Integrate over ``interval``; each row in equal steps within a piece of at most `PIECE`."""
        pieces = math.ceil(interval / PIECE - 1e-9)
        for _ in range(pieces):
            self._advance_piece(interval / pieces)

    def _advance_piece(self, piece: float) -> None:
        self._choose_steps(piece, self._demands())
        n = self.channel.shape[1]
        for step in range(max(self._steps)):
            active = sum(count > step for count in self._steps)
            state, b = self.state[:active], self._buffer(active)
            for stage in range(3):
                now, before = stage % 2, 1 - stage % 2
                self._physical(state)
                self._rates(state, now)
                rates, old = b.rates[now], b.rates[before]
                # `old` has had its last use in this stage: the sum may take its place.
                explicit = torch.add(rates, old, alpha=ZETA[stage] / GAMMA[stage], out=old) if stage else rates
                state.mul_(self._keep[stage, :active]).addcmul_(explicit, self._gain[stage, :active])
                self._no_slip.apply(state[..., :n], self._wall[stage, :active], b.shear)

    def _choose_steps(self, piece: float, rates: list[float]) -> None:
        """Number of steps per row for the coming piece; it is lowered only if a fifth is to be saved."""
        least = math.ceil(piece / self.largest_step - 1e-9)
        needed = [max(1, least, math.ceil(piece * rate / COURANT)) for rate in rates]
        same = piece == self._piece
        steps = [
            have if same and need <= have <= 1.25 * need else need
            for need, have in zip(needed, self._steps, strict=True)
        ]
        changed = [not same or new != have for new, have in zip(steps, self._steps, strict=True)]
        self._piece = piece
        if not any(changed):
            return
        places = sorted(range(len(steps)), key=lambda row: -steps[row])
        if places != list(range(len(steps))):
            self.state = self.state[places]
            self.viscosity, self.diffusivity = self.viscosity[places], self.diffusivity[places]
            self.buoyancy_limit = self.buoyancy_limit[places]
            self._keep, self._gain, self._wall = (t[:, places] for t in (self._keep, self._gain, self._wall))
            self.order = [self.order[row] for row in places]
        self._steps = [steps[row] for row in places]
        self._factor([place for place, row in enumerate(places) if changed[row]])

    def _factor(self, rows: list[int]) -> None:
        """Factors of the implicit steps of these rows: what a stage keeps of the state, gains from rates and walls."""
        n = self.channel.shape[1]
        dt = self._piece / torch.tensor([self._steps[row] for row in rows], dtype=torch.float64)
        dt = dt.to(self.channel.device).view(-1, 1, 1, 1)
        coefficients = torch.stack([self.viscosity[rows], self.diffusivity[rows]], -1)[:, None, None, :, None]
        rate = dt * (coefficients * self._laplacian[:, None, :]).flatten(-2)
        for stage in range(3):
            inverse = 1 / (1 - BETA[stage] * rate)
            self._keep[stage, rows] = self.channel.cast((1 + ALPHA[stage] * rate) * inverse)
            self._gain[stage, rows] = self.channel.cast(GAMMA[stage] * dt * inverse)
            self._wall[stage, rows] = self.channel.cast(self._no_slip.response(inverse[..., :n]))

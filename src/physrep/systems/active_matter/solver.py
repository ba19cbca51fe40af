"""Time stepping of active matter; `active_matter` states the equations and the method."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..grids.fourier_box import FourierBox
from ..solver import Solver, lawson_factors
from .moments import AngularModel

DIFFUSION = 0.05
"""d_T and d_R, both of translation and of rotation."""

BETA = 0.8
"""Strength β of the stress that the particles oppose to deformation (their shape)."""

COURANT = 2.8
"""Courant number Δt (k_x|u_x| + k_y|u_y|) of the time step: the method's limit of stability. The error of the step is
then far below that of the grid (docs/systems)."""

SATURATED_SPEED = 1.1
"""Largest |u_x| + |u_y| of developed active turbulence over |α|: it varies between 0.9 and 1.5, for every ζ."""

TURNING = 1.2
"""Bound of Δt times the rate 2ζ + |α|/2 at which the order relaxes."""

SPEED_LIMIT = 100.0
"""A velocity component above this has blown up: the fastest resolved flows reach about 5."""

SATURATED_STRAIN = 0.9
"""Largest |E_xx + i E_xy| + |w| of developed active turbulence over |α|."""

OVERSHOOT = 1.5
"""A degree of order |A₂|/c above this has blown up. No distribution has it above 1, but the overshoots beside sharp
defects heal in the Bingham model: 1.08 at ζ = 5 and 1.19 at ζ = 17 on 64 x 64 points."""


class ActiveMatterSolver(Solver):
    """The semi-discrete equations of one batch.

    The state stacks the moments: complex (B, 2M + 1, K, nx). Stokes' equation has no memory: its solution for the
    present state is kept in ``flow``, (B, 5, nx, ny) with u_x, u_y, E_xx, E_xy and w. Trajectories never interact: each
    takes its own number of steps, so a result does not depend on what else is in the batch.
    """

    def __init__(
        self,
        box: FourierBox,
        model: AngularModel,
        parameters: dict[str, Tensor],
        state: Tensor,
        max_dt: float | None = None,
    ) -> None:
        self.box, self.model, self.state, self.max_dt = box, model, state, max_dt
        kx, ky, k2, inverse = box.kx, box.ky, box.k2, box.inverse_k2
        self._drive = torch.stack([parameters["alpha"], parameters["zeta"]], 1)[..., None, None].to(kx)
        order = torch.arange(1, model.count + 1, dtype=torch.float64, device=kx.device)
        order = torch.cat([order.new_zeros(1), order, order])[:, None, None]
        self._decay_rate = DIFFUSION * (k2.double() + 4 * order**2)
        # ψ from the deviatoric stress s: ∇⁴ψ (1 + β/8) = (∂ₓ² - ∂_y²) s_i - 2 ∂ₓ∂_y s_r, with s = s_r + i s_i.
        over = inverse**2 / (1 + BETA / 8)
        self._to_psi = torch.stack([2 * kx * ky * over, -(kx**2 - ky**2) * over])
        zero = torch.zeros_like(k2)
        symbols = [(zero, zero + ky), (zero, zero - kx), (-kx * ky, zero), ((kx**2 - ky**2) / 2, zero), (k2 / 2, zero)]
        self._from_psi = torch.stack([torch.complex(*parts) for parts in symbols])
        moments = state.shape[1]
        mask = box.mask + zero
        fluxes = [torch.complex(zero, -k * mask) for k in (kx, ky) for _ in range(moments)]
        self._symbols = torch.stack([*fluxes, *[torch.complex(mask, zero)] * (moments - 1)])
        padded = (len(state), max(5, moments), box.shape[0], box.shape[1] // 2 + 1)
        self._padded = torch.zeros(padded, dtype=state.dtype, device=kx.device)
        self._factor_key: tuple[float, ...] = ()
        self._factors = (kx, kx)
        self._sweeps = 6 if kx.dtype == torch.float32 else 15
        still = kx.new_zeros(len(state), 2, *box.shape)
        self.flow = self._stokes(*self._moments(state), still, self._drive, self._sweeps + 2)

    def _physical(self, modes: Tensor) -> Tensor:
        """Fields on the grid, by way of a work array."""
        return self.box.to_physical(modes, self._padded[: modes.shape[0], : modes.shape[1]])

    def _moments(self, state: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Moments and A₄ on the grid."""
        planes = self._physical(state)
        return planes, self.model.fourth(planes)

    def _stokes(
        self, planes: Tensor, fourth: tuple[Tensor, Tensor], strain: Tensor, drive: Tensor, sweeps: int = 1
    ) -> Tensor:
        """Flow that the present moments drive, from a guess of the strain (E_xx, E_xy), (B, 2, nx, ny).

        The stress contains the strain. Its part at isotropy, β e/4, is moved to the left-hand side (viscosity
        1 + β/8); the rest is taken at the guess, so that a sweep makes the guess's error about ten times smaller (11
        where c = 1), whatever the parameters.
        """
        c, a, b = planes[:, 0], planes[:, 1], planes[:, 1 + self.model.count]
        p, q = fourth
        alpha, zeta = drive.unbind(1)
        above, below = c + p, c - p
        za, zb = zeta * a, zeta * b
        # s = α A₂/2 + β/4 [c (e - ζA₂) + conj(e + ζA₂) A₄], first what does not hold e.
        stress = planes.new_empty(len(planes), 2, *planes.shape[2:])
        real, imaginary = stress.unbind(1)
        torch.mul(zb, q, out=real).addcmul_(za, below, value=-1).mul_(BETA / 4).addcmul_(alpha, a, value=0.5)
        torch.mul(za, q, out=imaginary).addcmul_(zb, above, value=-1).mul_(BETA / 4).addcmul_(alpha, b, value=0.5)
        above.sub_(1)
        below.sub_(1)
        for left in reversed(range(sweeps)):
            e, f = strain.unbind(1)
            whole = stress.clone() if left else stress
            real, imaginary = whole.unbind(1)
            real.addcmul_(e, above, value=BETA / 4).addcmul_(f, q, value=BETA / 4)
            imaginary.addcmul_(f, below, value=BETA / 4).addcmul_(e, q, value=BETA / 4)
            modes = self.box.transform(whole).mul_(self._to_psi)
            psi = modes[:, :1] + modes[:, 1:]
            strain = self._physical(psi * (self._from_psi[2:4] if left else self._from_psi))
        return strain

    def _tendency(self, planes: Tensor, fourth: tuple[Tensor, Tensor], flow: Tensor, drive: Tensor) -> Tensor:
        """∂ₜ of the moments without diffusion, as a real view: (B, 2M + 1, K, nx, 2)."""
        m, count = planes.shape[1], self.model.count
        products = planes.new_empty(len(planes), 3 * m - 1, *planes.shape[2:])
        torch.mul(planes, flow[:, :1], out=products[:, :m])
        torch.mul(planes, flow[:, 1:2], out=products[:, m : 2 * m])
        zeta = drive[:, 1]
        field = (torch.addcmul(flow[:, 2], zeta, planes[:, 1]), torch.addcmul(flow[:, 3], zeta, planes[:, 1 + count]))
        self.model.turning(planes, fourth, flow[:, 4], field, products[:, 2 * m :])
        terms = self.box.transform(products).mul_(self._symbols)
        total = terms[:, :m].add_(terms[:, m : 2 * m])
        total[:, 1:].add_(terms[:, 2 * m :])
        return torch.view_as_real(total)

    def snapshot(self) -> dict[str, Tensor]:
        """c, u, D = ((c + a)/2, b/2; b/2, (c - a)/2) with A₂ = a + ib, and E."""
        planes = self._physical(self.state[:, [0, 1, 1 + self.model.count]])
        c, a, b = planes.unbind(1)
        u, w, e, f, _ = self.flow.unbind(1)
        tensor = torch.stack([c + a, b, b, c - a], -1).mul_(0.5).unflatten(-1, (2, 2))
        strain = torch.stack([e, f, f, -e], -1).unflatten(-1, (2, 2))
        return {"concentration": c.clone(), "velocity": torch.stack([u, w], -1), "D": tensor, "E": strain}

    def faults(self) -> dict[int, str]:
        """Trajectories that are not finite, too fast, or no distribution of orientations."""
        planes = self._physical(self.state[:, [0, 1, 1 + self.model.count]])
        c, a, b = planes.unbind(1)
        emptiest, speed = c.amin((1, 2)), self.flow[:, :2].abs().amax((1, 2, 3))
        order = (torch.hypot(a, b) / c).amax((1, 2))
        # Comparisons with NaN are false: what is not finite is not sound.
        reasons = (
            (torch.isfinite(self.state.real.sum((1, 2, 3)) + speed), "not finite"),
            (emptiest > 0, "concentration not positive: no distribution of orientations"),
            (order <= OVERSHOOT, f"order |A2|/c above {OVERSHOOT}: the grid is too coarse for this zeta"),
            (speed <= SPEED_LIMIT, f"faster than {SPEED_LIMIT:g}"),
        )
        found: dict[int, str] = {}
        for sound, reason in reasons:
            for row in (~sound).nonzero()[:, 0].tolist():
                found.setdefault(row, reason)
        return found

    def rest(self, rows: Sequence[int]) -> None:
        """An isotropic, uniform suspension without flow."""
        self.state[list(rows)] = 0
        self.state[list(rows), 0, 0, 0] = 1
        self.flow[list(rows)] = 0

    def steps(self, interval: float) -> list[int]:
        """Number of equal steps per trajectory.

        The Courant number is bounded by the flow at the start of the interval and by that of saturated active
        turbulence (an isotropic suspension may get there within an interval); so is, in the kinetic model, that of the
        motion over the angles, whose largest wavenumber is 2M.
        """
        kx, ky = self.box.k_max
        alpha, zeta = self._drive[..., 0, 0].abs().unbind(1)
        present = (kx * self.flow[:, 0].abs() + ky * self.flow[:, 1].abs()).amax((1, 2))
        saturated = max(kx, ky) * SATURATED_SPEED * alpha
        rates = torch.maximum(torch.maximum(present, saturated) / COURANT, (2 * zeta + alpha / 2) / TURNING)
        if self.model.count > 1:
            strain = torch.hypot(self.flow[:, 2], self.flow[:, 3]) + self.flow[:, 4].abs()
            turning = torch.maximum(strain.amax((1, 2)), SATURATED_STRAIN * alpha) + zeta
            rates = torch.maximum(rates, 2 * self.model.count * turning / COURANT)
        slowest = 1 if self.max_dt is None else math.ceil(interval / self.max_dt - 1e-9)
        return [max(slowest, 1, math.ceil(interval * rate)) for rate in rates.tolist()]

    def advance(self, interval: float) -> None:
        """Integrate over ``interval`` by Lawson's form of RK4.

        With E = exp(-rate Δt / 2): v(t+Δt) = E²v + Δt/6 (E²k₁ + 2E(k₂ + k₃) + k₄), nested so that every factor is
        applied once. Each stage solves Stokes' equation by one sweep from a strain extrapolated linearly in time.
        """
        steps = self.steps(interval)
        # Most steps first: those that still have steps to take are always the first rows.
        order = sorted(range(len(steps)), key=lambda row: -steps[row])
        steps = [steps[row] for row in order]
        state, flow, drive = self.state[order], self.flow[order], self._drive[order]
        decays, dts = self._factor(steps, interval)
        strain, halfway = flow[:, 2:4].clone(), flow[:, 2:4]
        for step in range(steps[0]):
            rows = sum(count > step for count in steps)
            v, decay, dt, forces = torch.view_as_real(state[:rows]), decays[:rows], dts[:rows], drive[:rows]
            planes, fourth = self._moments(state[:rows])
            # The interval starts with Stokes' equation solved, but without an earlier strain to extrapolate from.
            first = step == 0
            flow = flow if first else self._stokes(planes, fourth, strain[:rows], forces)
            k1 = self._tendency(planes, fourth, flow, forces)
            e1 = flow[:, 2:4]
            guess = e1 if first else torch.sub(2 * e1, halfway[:rows])
            k2, e2 = self._stage(torch.addcmul(v, k1, dt, value=1 / 2).mul_(decay), guess, forces, 3 if first else 1)
            decayed = v * decay
            k3, halfway = self._stage(torch.addcmul(decayed, k2, dt, value=1 / 2), e2, forces)
            k4, e4 = self._stage(decayed.addcmul_(k3, dt).mul_(decay), 2 * halfway - e1, forces)
            strain[:rows] = e4
            v.addcmul_(k1, dt, value=1 / 6).mul_(decay)
            v.addcmul_(k2.add_(k3), dt, value=1 / 3).mul_(decay).addcmul_(k4, dt, value=1 / 6)
        flow = self._stokes(*self._moments(state), strain, drive, self._sweeps)
        back = torch.tensor(order, device=state.device)
        self.state = torch.empty_like(state).index_copy_(0, back, state)
        self.flow = torch.empty_like(flow).index_copy_(0, back, flow)

    def _stage(self, state: Tensor, strain: Tensor, drive: Tensor, sweeps: int = 1) -> tuple[Tensor, Tensor]:
        """Tendency at a stage, and the strain there."""
        planes, fourth = self._moments(torch.view_as_complex(state))
        flow = self._stokes(planes, fourth, strain, drive, sweeps)
        return self._tendency(planes, fourth, flow, drive), flow[:, 2:4]

    def _factor(self, steps: list[int], interval: float) -> tuple[Tensor, Tensor]:
        key = (*steps, interval)
        if key != self._factor_key:
            factors = lawson_factors(self._decay_rate, steps, interval, self.flow.dtype)
            self._factor_key, self._factors = key, factors
        return self._factors

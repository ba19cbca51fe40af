"""Time stepping of shear flow; `shear_flow` states the equations and the method."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..grids.fourier_box import FourierBox
from ..solver import Solver, lawson_factors

COURANT = 2.4
"""Courant number of the time step; the method is stable to 2.8. On runs that the grid resolves, the error of the step
stays below that of the grid (docs/systems)."""

SPEED_LIMIT = 100.0
"""A velocity component above this has blown up: the flow loses energy, and it starts with speeds of about 1."""


class _Buffers:
    """Work arrays for the first rows of a batch, with the views that every stage writes (making views costs time)."""

    def __init__(self, spectral: Tensor, padded: Tensor, products: Tensor) -> None:
        self.spectral, self.padded, self.products = spectral, padded, products
        self.velocity, self.tracer = spectral[:, :2], spectral[:, 2]
        self.uw, self.difference, self.fluxes = products[:, 0], products[:, 1], products[:, 2:]


class ShearFlowSolver(Solver):
    """The semi-discrete equations of one batch, in the frame that moves with each trajectory's mean flow.

    The state stacks vorticity and tracer: complex (B, 2, K, nx); ``mean`` is the mean flow (B, 2, 1, 1). Trajectories
    never interact: each takes its own number of steps, so a result does not depend on what else is in the batch. The
    loop over stages is bound by memory traffic, so it works in preallocated buffers and on real views.
    """

    def __init__(
        self,
        box: FourierBox,
        parameters: dict[str, Tensor],
        state: Tensor,
        mean: Tensor,
        max_dt: float | None = None,
    ) -> None:
        self.box, self.state, self.mean, self.max_dt = box, state, mean, max_dt
        self.time = 0.0
        self._present: Tensor | None = None  # the physical fields of `state`, where they are known
        viscosity = 1 / parameters["Reynolds"].double()
        diffusivity = viscosity / parameters["Schmidt"].double()
        rates = torch.stack([viscosity, diffusivity], 1)[..., None, None].to(box.k2.device)
        self._decay_rate = rates * box.k2.double()
        self._phase_rate = box.kx.double() * mean[:, :1].double() + box.ky.double() * mean[:, 1:].double()
        self._to_velocity = 1j * torch.stack([box.ky * box.inverse_k2, -box.kx * box.inverse_k2])
        mask = box.mask
        symbols = ((box.kx**2 - box.ky**2) * mask, box.kx * box.ky * mask, -1j * box.kx * mask, -1j * box.ky * mask)
        self._symbols = torch.stack([symbol + 0j for symbol in torch.broadcast_tensors(*symbols)])
        batch, (nx, ny) = len(mean), box.shape
        like = {"dtype": self._to_velocity.dtype, "device": mean.device}
        spectral = torch.empty(batch, 3, box.modes_y, nx, **like)
        padded = torch.zeros(batch, 3, nx, ny // 2 + 1, **like)
        products = mean.new_empty(batch, 4, nx, ny)
        self._buffers = [_Buffers(spectral[:rows], padded[:rows], products[:rows]) for rows in range(1, batch + 1)]
        self._factor_key: tuple[float, ...] = ()
        self._factors = (mean, mean)

    def physical(self, state: Tensor) -> Tensor:
        """Velocity without the mean flow, and tracer, on the moving grid: (B, 3, nx, ny)."""
        buffers = self._buffers[len(state) - 1]
        torch.mul(state[:, :1], self._to_velocity, out=buffers.velocity)
        buffers.tracer.copy_(state[:, 1])
        return self.box.to_physical(buffers.spectral, buffers.padded)

    def at_rest(self, state: Tensor, time: float) -> Tensor:
        """The state seen from the grid at rest: moved by the mean flow over ``time``."""
        phase = self._phase_rate * -time
        return state * torch.polar(torch.ones_like(phase), phase).to(state.dtype)

    def snapshot(self) -> dict[str, Tensor]:
        """Tracer, velocity, and the pressure, which solves ∇²p = -∂ᵢ∂ⱼ(uᵢuⱼ) with zero mean."""
        box = self.box
        u, w, s = self.physical(self.at_rest(self.state, self.time)).unbind(1)
        uu, ww, uw = box.to_spectral(torch.stack([u * u, w * w, u * w]))
        pressure = -(box.kx**2 * uu + box.ky**2 * ww + 2 * box.kx * box.ky * uw) * box.inverse_k2
        velocity = torch.stack([u, w], -1) + self.mean[:, None, None, :, 0, 0]
        # A copy of the tracer: a view would keep the velocity beside it in memory for every stored frame.
        return {"tracer": s.clone(), "pressure": box.to_physical(pressure), "velocity": velocity}

    def tendency(self, physical: Tensor) -> Tensor:
        """Advection of vorticity and tracer, dealiased, as a real view: (B, 2, K, nx, 2)."""
        u, w, _ = physical.unbind(1)
        buffers = self._buffers[len(physical) - 1]
        torch.mul(u, w, out=buffers.uw)
        torch.mul(w, w, out=buffers.difference).addcmul_(u, u, value=-1)
        torch.mul(physical[:, :2], physical[:, 2:], out=buffers.fluxes)
        terms = self.box.transform(buffers.products).mul_(self._symbols)
        return torch.view_as_real(terms[:, ::2].add(terms[:, 1::2]))

    def faults(self) -> dict[int, str]:
        """Trajectories that are not finite or faster than `SPEED_LIMIT`."""
        self._present = self.physical(self.state)
        peak = self._present.abs().amax((2, 3))
        sound = (peak[:, :2] <= SPEED_LIMIT).all(1) & torch.isfinite(peak[:, 2])
        return {row: f"not finite or faster than {SPEED_LIMIT:g}" for row in (~sound).nonzero()[:, 0].tolist()}

    def rest(self, rows: Sequence[int]) -> None:
        """No fluctuation at all."""
        self.state[list(rows)] = 0
        self._present = None

    def steps(self, physical: Tensor, interval: float) -> list[int]:
        """Number of equal steps per trajectory that keep the Courant number (with 10 % head-room for its growth)."""
        kx, ky = self.box.k_max
        rates = (kx * physical[:, 0].abs() + ky * physical[:, 1].abs()).amax((1, 2)).tolist()
        slowest = 1 if self.max_dt is None else math.ceil(interval / self.max_dt - 1e-9)
        return [max(slowest, 1, math.ceil(1.1 * interval * rate / COURANT)) for rate in rates]

    def advance(self, interval: float) -> None:
        """Integrate over ``interval`` by Lawson's form of RK4.

        With E = exp(-rate Δt / 2): v(t+Δt) = E²v + Δt/6 (E²k₁ + 2E(k₂ + k₃) + k₄), nested so that every factor is
        applied once.
        """
        physical = self.physical(self.state) if self._present is None else self._present
        self._present = None
        steps = self.steps(physical, interval)
        # Most steps first: those that still have steps to take are always the first rows.
        order = sorted(range(len(steps)), key=lambda row: -steps[row])
        steps = [steps[row] for row in order]
        state, physical = self.state[order], physical[order]
        decays, dts = self._factor(order, steps, interval)
        for step in range(steps[0]):
            active = sum(count > step for count in steps)
            v, decay, dt = torch.view_as_real(state[:active]), decays[:active], dts[:active]
            k1 = self.tendency(physical[:active] if step == 0 else self.physical(state[:active]))
            k2 = self._rates_at(torch.addcmul(v, k1, dt, value=1 / 2).mul_(decay))
            decayed = v * decay
            k3 = self._rates_at(torch.addcmul(decayed, k2, dt, value=1 / 2))
            k4 = self._rates_at(decayed.addcmul_(k3, dt).mul_(decay))
            v.addcmul_(k1, dt, value=1 / 6).mul_(decay)
            v.addcmul_(k2.add_(k3), dt, value=1 / 3).mul_(decay).addcmul_(k4, dt, value=1 / 6)
        self.state = torch.empty_like(state).index_copy_(0, torch.tensor(order, device=state.device), state)
        self.time += interval

    def _rates_at(self, state: Tensor) -> Tensor:
        return self.tendency(self.physical(torch.view_as_complex(state)))

    def _factor(self, order: list[int], steps: list[int], interval: float) -> tuple[Tensor, Tensor]:
        key = (*order, *steps, interval)
        if key != self._factor_key:
            factors = lawson_factors(self._decay_rate[order], steps, interval, self.mean.dtype)
            self._factor_key, self._factors = key, factors
        return self._factors

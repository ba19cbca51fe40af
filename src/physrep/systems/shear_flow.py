r"""Two-dimensional incompressible shear flow that carries a passive tracer.

    ∂ₜu + (u·∇)u = -∇p + ν ∇²u        ∇·u = 0        ∫p = 0
    ∂ₜs + (u·∇)s = D ∇²s              ν = 1/Re       D = ν/Sc

Symbols: u = (u_x, u_y) velocity, p pressure (density 1), s tracer, Re Reynolds number, Sc Schmidt number.
Domain: x ∈ [0, 1), y ∈ [-1, 1), periodic in both; grid points x_i = i/n_x, y_j = -1 + 2j/n_y.
Units: the velocity jump across a layer and the length of the box along x are 1, so a time unit is one box crossing.

Method: vorticity ω = ∂ₓu_y - ∂_y u_x and streamfunction (u_x = ∂_y ψ, u_y = -∂ₓψ, ∇²ψ = -ω) in dealiased Fourier space,
so that ∇·u = 0 to rounding; the mean flow is a constant of the motion and is carried apart. Viscosity and diffusion are
exact through the integrating factor exp(-νk²t); advection is explicit, classical Runge-Kutta of 4th order. With

    ∂ₜω = (∂_y² - ∂ₓ²)(u_x u_y) - ∂ₓ∂_y (u_y² - u_x²) + ν∇²ω

a stage takes 3 inverse and 4 forward transforms. The step is the largest submultiple of the frame interval with
Courant number Δt (k_x|u_x| + k_y|u_y|) below `COURANT` (stability limit 2.8).

Good values: Re 100 to 1000 and Sc 0.2 to 5 on 64 x 128 points; `resolved_ranges` tells what a grid resolves.

References:
    The Well (Ohana et al., 2024), data set shear_flow: https://arxiv.org/abs/2412.00568
    Basdevant, Technical improvements for direct numerical simulation of homogeneous three-dimensional turbulence,
    J. Comput. Phys. 50 (1983), for the form of the nonlinear term.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from .base import Field, Parameter, System, Trajectories
from .shear_flow_initial import FAMILIES, resample
from .spectral import FourierBox

COURANT = 2.0
"""Courant number of the time step; the method is stable to 2.8."""

RESOLVED_RE_SC = 2500.0
"""Largest Re·max(1, Sc) with tracer errors below 5e-4 at t = 4 on 64 x 128 points; it grows as the square of the grid."""


class ShearFlow(System):
    """Shear flow with a tracer; see the module's docstring for equations and method."""

    name = "shear_flow"
    fields = (Field("tracer"), Field("pressure"), Field("velocity", 1))
    parameters = (
        Parameter("Reynolds", "Re", 100.0, 1e5, "log", "1", "inverse viscosity"),
        Parameter("Schmidt", "Sc", 0.2, 5.0, "log", "1", "viscosity over tracer diffusivity"),
    )
    axes = ("x", "y")
    lengths = (1.0, 2.0)
    origin = (0.0, -1.0)
    periodic = (True, True)
    mirrors = ("x", "y")
    resolution = (64, 128)
    frames = 101
    save_dt = 0.1
    initial_conditions = tuple(FAMILIES)

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """Sc keeps its prior; Re ends where Re·Sc_max reaches what the coarser direction resolves.

        The lower end of Re follows the upper one (a factor 15 below it), so that a coarse grid still has a range.
        """
        reynolds, schmidt = self.parameters
        points_per_unit = min(n / length for n, length in zip(resolution, self.lengths, strict=True))
        high = min(reynolds.high, RESOLVED_RE_SC * (points_per_unit / 64) ** 2 / max(1.0, schmidt.high))
        return {"Reynolds": (min(reynolds.low, high / 15), high), "Schmidt": (schmidt.low, schmidt.high)}

    def simulate(
        self,
        parameters: dict[str, Tensor],
        seeds: Sequence[int],
        *,
        resolution: Sequence[int] | None = None,
        frames: int | None = None,
        save_dt: float | None = None,
        initial_condition: str | None = None,
        initial: dict[str, Tensor] | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        max_dt: float | None = None,
    ) -> Trajectories:
        """Integrate a batch (see `System.simulate`); ``max_dt`` bounds the time step below the Courant limit."""
        resolution = tuple(resolution or self.resolution)
        frames = self.frames if frames is None else frames
        save_dt = self.save_dt if save_dt is None else save_dt
        family = initial_condition or self.initial_conditions[0]
        if len(resolution) != 2 or min(resolution) < 8:
            raise PhysrepError(f"shear_flow: resolution {resolution} must be two numbers of at least 8, e.g. 64 128.")
        if frames < 1 or save_dt <= 0:
            raise PhysrepError(f"shear_flow: frames={frames} and save_dt={save_dt} must be positive.")
        box = FourierBox(resolution, self.lengths, dtype, device)
        state, mean = self._start(box, family, initial, seeds)
        solver = _Solver(box, parameters, mean, max_dt)
        stored = {"tracer": [], "pressure": [], "velocity": []}
        for frame in range(frames):
            physical = solver.physical(state)
            for name, value in solver.snapshot(physical).items():
                stored[name].append(value.cpu())
            if frame + 1 < frames:
                state = solver.advance(state, physical, save_dt)
        fields = {name: torch.stack(values, 1) for name, values in stored.items()}
        finite = torch.stack([torch.isfinite(value).flatten(1).all(1) for value in fields.values()]).all(0)
        return Trajectories(
            system=self.name,
            fields=fields,
            parameters={p.name: parameters[p.name].cpu().double() for p in self.parameters},
            time=torch.arange(frames, dtype=torch.float64) * save_dt,
            coordinates=self.grid(resolution),
            periodic=self.periodic,
            failed={int(i): "the fields became infinite" for i in torch.nonzero(~finite).flatten()},
            attributes=self._attributes(family if initial is None else "given", dtype),
        )

    def _start(
        self, box: FourierBox, family: str, initial: dict[str, Tensor] | None, seeds: Sequence[int]
    ) -> tuple[Tensor, Tensor]:
        """Spectral state (2, B, nx, K) of vorticity and tracer, and the mean flow (2, B, 1, 1)."""
        if initial is not None:
            velocity, tracer = initial["velocity"], initial["tracer"]
            fields = torch.stack([velocity[..., 0], velocity[..., 1], tracer])
            u, w, s = resample(fields.to(box.kx), box)
        else:
            if family not in FAMILIES:
                raise PhysrepError(f"shear_flow: no initial condition {family!r}; it has {list(FAMILIES)}.")
            # Drawn in float64 on the CPU one seed at a time: the same start on every device, in every batch.
            starts = [FAMILIES[family](seed, box) for seed in seeds]
            u, w, s = torch.stack(starts, 1).to(box.kx.device, torch.promote_types(box.kx.dtype, torch.complex64))
        # Taking the curl projects on divergence-free fields.
        vorticity = 1j * box.kx * w - 1j * box.ky * u
        mean = torch.stack([u[..., :1, :1].real, w[..., :1, :1].real])
        return torch.stack([vorticity, s]) * box.mask, mean

    @staticmethod
    def _attributes(family: str, dtype: torch.dtype) -> dict[str, Any]:
        return {
            "solver": "physrep Fourier vorticity-streamfunction, integrating-factor RK4",
            "precision": str(dtype).removeprefix("torch."),
            "initial_condition": family,
        }


class _Solver:
    """The semi-discrete equations of one batch. The state stacks vorticity and tracer: complex (2, B, nx, K).

    The loop over stages is bound by memory traffic, so it works in preallocated buffers and on real views.
    """

    def __init__(
        self, box: FourierBox, parameters: dict[str, Tensor], mean: Tensor, max_dt: float | None = None
    ) -> None:
        self.box, self.mean, self.max_dt = box, mean, max_dt
        viscosity = 1 / parameters["Reynolds"].double()
        diffusivity = viscosity / parameters["Schmidt"].double()
        rates = torch.stack([viscosity, diffusivity])[..., None, None].to(box.k2.device)
        self._decay_rate = rates * box.k2.double()
        self._to_velocity = 1j * torch.stack([box.ky * box.inverse_k2, -box.kx * box.inverse_k2])[:, None]
        mask = box.mask
        self._vorticity_symbols = ((box.kx**2 - box.ky**2) * mask + 0j, box.kx * box.ky * mask + 0j)
        self._tracer_symbols = (-1j * box.kx * mask, -1j * box.ky * mask)
        batch, (nx, ny) = mean.shape[1], box.shape
        self._spectral = torch.empty(3, batch, nx, box.columns, dtype=self._to_velocity.dtype, device=mean.device)
        self._products = mean.new_empty(4, batch, nx, ny)
        self._factors: dict[float, Tensor] = {}

    def physical(self, state: Tensor) -> Tensor:
        """Velocity and tracer on the grid: (3, B, nx, ny)."""
        torch.mul(state[0], self._to_velocity, out=self._spectral[:2])
        self._spectral[2] = state[1]
        fields = self.box.to_physical(self._spectral)
        fields[:2] += self.mean
        return fields

    def snapshot(self, physical: Tensor) -> dict[str, Tensor]:
        """Stored fields of one frame; the pressure solves ∇²p = -∂ᵢ∂ⱼ(uᵢuⱼ) with zero mean."""
        u, w, s = physical
        box = self.box
        uu, ww, uw = box.to_spectral(torch.stack([u * u, w * w, u * w]))
        pressure = -(box.kx**2 * uu + box.ky**2 * ww + 2 * box.kx * box.ky * uw) * box.inverse_k2
        return {"tracer": s, "pressure": box.to_physical(pressure), "velocity": torch.stack([u, w], -1)}

    def tendency(self, physical: Tensor) -> Tensor:
        """Advection of vorticity and tracer, dealiased: (2, B, nx, K)."""
        u, w, s = physical
        products = self._products
        torch.mul(u, w, out=products[0])
        torch.mul(w, w, out=products[1]).addcmul_(u, u, value=-1)
        torch.mul(physical[:2], s, out=products[2:])
        uw, difference, us, ws = torch.fft.rfft2(products, norm="forward")[..., : self.box.columns]
        out = torch.empty((2, *uw.shape), dtype=uw.dtype, device=uw.device)
        for row, pair, symbols in ((out[0], (uw, difference), self._vorticity_symbols),
                                   (out[1], (us, ws), self._tracer_symbols)):
            torch.mul(pair[0], symbols[0], out=row).addcmul_(pair[1], symbols[1])
        return out

    def steps(self, physical: Tensor, interval: float) -> int:
        """Number of equal steps that keep the Courant number over the next interval (with 10 % head-room)."""
        kx, ky = self.box.k_max
        rate = float((kx * physical[0].abs() + ky * physical[1].abs()).max())
        if not math.isfinite(rate):
            return 1
        steps = math.ceil(1.1 * interval * rate / COURANT)
        if self.max_dt is not None:
            steps = max(steps, math.ceil(interval / self.max_dt - 1e-9))
        return max(steps, 1)

    def advance(self, state: Tensor, physical: Tensor, interval: float) -> Tensor:
        """Integrate over ``interval``; ``physical`` belongs to ``state``.

        Lawson's form of RK4 with E = exp(-rate Δt / 2):
        v(t+Δt) = E²v + Δt/6 (E²k₁ + 2E(k₂ + k₃) + k₄), nested so that every factor is applied once.
        """
        steps = self.steps(physical, interval)
        dt = interval / steps
        decay = self._factor(dt)
        for step in range(steps):
            v = torch.view_as_real(state)
            k1 = self._rates(physical if step == 0 else self.physical(state))
            k2 = self._rates_at(torch.add(v, k1, alpha=dt / 2).mul_(decay))
            decayed = v * decay
            k3 = self._rates_at(torch.add(decayed, k2, alpha=dt / 2))
            k4 = self._rates_at(decayed.add_(k3, alpha=dt).mul_(decay))
            total = torch.add(v, k1, alpha=dt / 6).mul_(decay)
            total.add_(k2.add_(k3), alpha=dt / 3).mul_(decay).add_(k4, alpha=dt / 6)
            state = torch.view_as_complex(total)
        return state

    def _rates(self, physical: Tensor) -> Tensor:
        return torch.view_as_real(self.tendency(physical))

    def _rates_at(self, state: Tensor) -> Tensor:
        return self._rates(self.physical(torch.view_as_complex(state)))

    def _factor(self, dt: float) -> Tensor:
        """exp(-rate Δt / 2), once for the real and once for the imaginary part: (2, B, nx, K, 2)."""
        if dt not in self._factors:
            factor = torch.exp(-self._decay_rate * (dt / 2)).to(self.mean.dtype)
            self._factors = {dt: torch.stack([factor, factor], -1)}
        return self._factors[dt]

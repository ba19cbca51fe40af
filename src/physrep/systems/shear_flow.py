r"""Two-dimensional incompressible shear flow that carries a passive tracer.

    ∂ₜu + (u·∇)u = -∇p + ν ∇²u        ∇·u = 0        ∫p = 0
    ∂ₜs + (u·∇)s = D ∇²s              ν = 1/Re       D = ν/Sc

Symbols: u = (u_x, u_y) velocity, p pressure (density 1), s tracer, Re Reynolds number, Sc Schmidt number.
Domain: x ∈ [0, 1), y ∈ [-1, 1), periodic in both; grid points x_i = i/n_x, y_j = -1 + 2j/n_y.
Units: the velocity jump across a layer and the length of the box along x are 1, so a time unit is one box crossing.

Method: vorticity ω = ∂ₓu_y - ∂_y u_x and streamfunction (u_x = ∂_y ψ, u_y = -∂ₓψ, ∇²ψ = -ω) in dealiased Fourier space,
so that ∇·u = 0 to rounding. The mean flow is a constant of the motion: the fluctuation is integrated in the frame that
moves with it, and shifted by a phase when a frame is stored. Viscosity and diffusion are exact through the integrating
factor exp(-νk²t); advection is explicit, classical Runge-Kutta of 4th order. With

    ∂ₜω = (∂_y² - ∂ₓ²)(u_x u_y) - ∂ₓ∂_y (u_y² - u_x²) + ν∇²ω

a stage takes 3 inverse and 4 forward transforms. Each trajectory takes the longest step, a submultiple of the frame
interval, that keeps its Courant number Δt (k_x|u_x| + k_y|u_y|) below 2.4 (the method is stable to 2.8).

Good values: Re 160 to 1600 and Sc 0.2 to 2 on 64 x 128 points; `resolved_ranges` tells what a grid resolves.

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
from .shear_flow_solver import SPEED_LIMIT, ShearFlowSolver
from .spectral import FourierBox

LENGTHS = (1.0, 2.0)
"""Side lengths of the box."""

CACHE_POINTS = 2**16
"""Grid points integrated together on a CPU, over all trajectories: more fall out of its cache, fewer pay more overhead
per call. The results do not depend on it."""

RESOLVED_RE_SC = 3200.0
"""Largest Re·max(1, Sc) on 64 x 128 points; it grows as the square of the grid.

There, over `diverse` starts and against a grid twice as fine, the tracer's relative error is 0.003 (median) and 0.021
(root mean square) at t = 0.5, where its filaments are thinnest, and 0.0006 and 0.003 at t = 4 (docs/systems.md).
"""


class ShearFlow(System):
    """Shear flow with a tracer; see the module's docstring for equations and method."""

    name = "shear_flow"
    fields = (Field("tracer"), Field("pressure"), Field("velocity", 1))
    parameters = (
        Parameter("Reynolds", "Re", 40.0, 1e5, "log", "1", "inverse viscosity"),
        Parameter("Schmidt", "Sc", 0.2, 2.0, "log", "1", "viscosity over tracer diffusivity"),
    )
    axes = ("x", "y")
    lengths = LENGTHS
    origin = (0.0, -1.0)
    periodic = (True, True)
    mirrors = ("x", "y")
    boost = "velocity"
    passive = ("tracer",)
    resolution = (64, 128)
    frames = 101
    save_dt = 0.1
    initial_conditions = tuple(FAMILIES)

    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """Sc keeps its prior; Re ends where Re·Sc_max reaches what the coarser direction resolves.

        The lower end of Re follows the upper one (a factor 10 below it), so that a coarse grid still has a range.
        """
        reynolds, schmidt = self.parameters
        points_per_unit = min(n / length for n, length in zip(resolution, self.lengths, strict=True))
        high = min(reynolds.high, RESOLVED_RE_SC * (points_per_unit / 64) ** 2 / max(1.0, schmidt.high))
        return {"Reynolds": (min(reynolds.high, high / 10), high), "Schmidt": (schmidt.low, schmidt.high)}

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
        """Integrate a batch (see `System.simulate`); ``max_dt`` bounds the time step below the Courant limit.

        A trajectory that is not finite, or faster than `SPEED_LIMIT`, is ended: it is named in ``failed`` and its
        frames from there on are NaN. The others are not affected.

        Raises:
            PhysrepError: bad resolution, frames, family, parameters or initial fields.
        """
        resolution = tuple(resolution or self.resolution)
        frames = self.frames if frames is None else frames
        save_dt = self.save_dt if save_dt is None else save_dt
        family = initial_condition or self.initial_conditions[0]
        if len(resolution) != 2 or min(resolution) < 8:
            raise PhysrepError(f"shear_flow: resolution {resolution} must be two numbers of at least 8, e.g. 64 128.")
        if frames < 1 or not 0 < save_dt < math.inf:
            raise PhysrepError(f"shear_flow: frames={frames} and save_dt={save_dt} must be positive.")
        if max_dt is not None and not max_dt > 0:
            raise PhysrepError(f"shear_flow: max_dt={max_dt} must be positive.")
        if dtype not in (torch.float32, torch.float64):
            raise PhysrepError(f"shear_flow: dtype {dtype} must be torch.float32 or torch.float64.")
        batch = self.check_parameters(parameters, None if initial is not None else seeds)
        box = FourierBox((resolution[0], resolution[1]), LENGTHS, dtype, device)
        state, mean = self._start(box, family, initial, seeds, batch)
        on_cpu = torch.device(device).type == "cpu"
        size = max(1, CACHE_POINTS // (resolution[0] * resolution[1])) if on_cpu else batch
        parts, failed = [], {}
        for first in range(0, batch, size):
            rows = slice(first, first + size)
            solver = ShearFlowSolver(box, {name: value[rows] for name, value in parameters.items()}, mean[rows], max_dt)
            fields, ended = self._integrate(solver, state[rows], frames, save_dt)
            parts.append(fields)
            failed.update({first + row: reason for row, reason in ended.items()})
        return Trajectories(
            system=self.name,
            fields={field.name: torch.cat([part[field.name] for part in parts]) for field in self.fields},
            parameters={p.name: parameters[p.name].cpu().double() for p in self.parameters},
            time=torch.arange(frames, dtype=torch.float64) * save_dt,
            coordinates=self.grid(resolution),
            periodic=self.periodic,
            failed=failed,
            attributes=self._attributes(family if initial is None else "given", dtype),
        )

    @staticmethod
    @torch.inference_mode()
    def _integrate(
        solver: ShearFlowSolver, state: Tensor, frames: int, save_dt: float
    ) -> tuple[dict[str, Tensor], dict[int, str]]:
        """Stored fields (B, T, ...) of one batch, and the reason for every trajectory that was ended."""
        stored: dict[str, list[Tensor]] = {}
        ended: dict[int, tuple[int, str]] = {}
        for frame in range(frames):
            physical = solver.physical(state)
            for row, sound in enumerate(solver.sound(physical).tolist()):
                if not sound:
                    reason = f"not finite or faster than {SPEED_LIMIT:g} at t = {frame * save_dt:.4g}"
                    ended.setdefault(row, (frame, reason))
                    state[row] = physical[row] = 0
            for name, value in solver.snapshot(state, frame * save_dt).items():
                stored.setdefault(name, []).append(value.cpu())
            if frame + 1 < frames:
                state = solver.advance(state, physical, save_dt)
        fields = {name: torch.stack(values, 1) for name, values in stored.items()}
        for row, (frame, _) in ended.items():
            for value in fields.values():
                value[row, frame:] = math.nan
        return fields, {row: reason for row, (_, reason) in ended.items()}

    def _start(
        self, box: FourierBox, family: str, initial: dict[str, Tensor] | None, seeds: Sequence[int], batch: int
    ) -> tuple[Tensor, Tensor]:
        """Spectral state (B, 2, K, nx) of vorticity and tracer, and the mean flow (B, 2, 1, 1)."""
        if initial is not None:
            fields = self._given(initial, batch).to(box.kx)
            u, w, s = resample(fields, box).unbind(1)
        else:
            if family not in FAMILIES:
                raise PhysrepError(f"shear_flow: no initial condition {family!r}; it has {list(FAMILIES)}.")
            # Drawn in float64 on the CPU one seed at a time: the same start on every device, in every batch.
            starts = torch.stack([FAMILIES[family](seed, box) for seed in seeds])
            u, w, s = starts.to(box.kx.device, torch.promote_types(box.kx.dtype, torch.complex64)).unbind(1)
        # Taking the curl projects on divergence-free fields.
        vorticity = 1j * box.kx * w - 1j * box.ky * u
        mean = torch.stack([u[:, :1, :1].real, w[:, :1, :1].real], 1)
        return torch.stack([vorticity, s], 1) * box.mask, mean

    @staticmethod
    def _given(initial: dict[str, Tensor], batch: int) -> Tensor:
        """Given fields as one tensor (B, 3, nx, ny), checked."""
        if not {"velocity", "tracer"} <= set(initial):
            raise PhysrepError(f"shear_flow: initial holds {sorted(initial)}; it needs 'velocity' and 'tracer'.")
        velocity, tracer = initial["velocity"], initial["tracer"]
        if tracer.dim() != 3 or velocity.shape != (*tracer.shape, 2) or len(tracer) != batch:
            raise PhysrepError(
                f"shear_flow: initial velocity {tuple(velocity.shape)} and tracer {tuple(tracer.shape)} must have "
                f"shapes ({batch}, nx, ny, 2) and ({batch}, nx, ny)."
            )
        return torch.stack([velocity[..., 0], velocity[..., 1], tracer], 1)

    @staticmethod
    def _attributes(family: str, dtype: torch.dtype) -> dict[str, Any]:
        return {
            "solver": "physrep Fourier vorticity-streamfunction, integrating-factor RK4",
            "precision": str(dtype).removeprefix("torch."),
            "initial_condition": family,
        }

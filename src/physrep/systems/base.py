"""The contract of a physical system: parameters in, trajectories out.

A system knows its equations and nothing of files or learning. Adding one is one module with a subclass of `System`
and one line in `SYSTEMS` (see CONTRIBUTING.md).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from .definition import Definition
from .description import Trajectories, trajectory_seed
from .solver import Setup, Solver, record


class System(Definition, ABC):
    """A partial differential equation with named parameters, simulated in batches; attributes as of `Definition`."""

    @abstractmethod
    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """The part of each parameter's prior that this grid resolves, ``{name: (low, high)}``."""

    def default_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """What is drawn from unless ranges are given: all that the grid resolves, or a useful part of it."""
        return self.resolved_ranges(resolution)

    def option_limits(self, resolution: Sequence[int], options: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
        """Parameter ranges that these options allow on this grid, where they allow less than it resolves.

        Args:
            resolution: points per axis.
            options: the system's own options of a simulation.
        """
        return {}

    @abstractmethod
    def solver(
        self,
        parameters: dict[str, Tensor],
        seeds: Sequence[int],
        initial: dict[str, Tensor] | None,
        setup: Setup,
    ) -> Solver:
        """The solver of one batch, in its state at t = 0.

        Args:
            parameters: checked, tensors with shape ``(B,)``.
            seeds: one per trajectory; unused where ``initial`` is given.
            initial: checked fields to start from, on a grid of any size (the system resamples them), or None.
            setup: everything else.
        """

    def attributes(self, setup: Setup) -> dict[str, Any]:
        """Notes for a file's metadata: method, precision, start and options."""
        return {
            "solver": self.method,
            "precision": str(setup.dtype).removeprefix("torch."),
            "initial_condition": setup.initial_condition,
            **setup.options,
        }

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
        options: dict[str, Any] | None = None,
        dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu",
        max_dt: float | None = None,
    ) -> Trajectories:
        """Integrate a batch.

        A trajectory that is no longer finite, or outside what is physical, is ended: it is named in ``failed`` and its
        frames from there on are NaN. The others are not affected.

        Args:
            parameters: one value per trajectory and parameter, tensors with shape ``(B,)``.
            seeds: one seed per trajectory; it fixes the initial condition, whatever the batch.
            resolution: grid points per axis.
            frames: number of stored frames, the first at t = 0.
            save_dt: time between stored frames.
            initial_condition: name of a family in `initial_conditions`.
            initial: start from these fields instead (shapes as in `Trajectories.fields` without the time axis, on the
                system's own kind of grid, of any size); at least `initial_fields`.
            options: switches of this system, see `options`.
            dtype: float32 or float64.
            device: where to compute.
            max_dt: bounds the time step further.

        Returns:
            The trajectories, on the CPU in float32 or float64 as computed.

        Raises:
            PhysrepError: bad resolution, frames, family, option, parameters or initial fields.
        """
        frames = self.frames if frames is None else frames
        save_dt = self.save_dt if save_dt is None else save_dt
        if frames < 1 or not 0 < save_dt < math.inf:
            raise PhysrepError(f"{self.name}: frames={frames} and save_dt={save_dt} must be positive.")
        family = "given" if initial is not None else initial_condition or self.initial_conditions[0]
        setup = Setup(
            self.check_resolution(resolution or self.resolution),
            self.check_family(family) if initial is None else family,
            self.check_options(options),
            dtype,
            device,
            max_dt,
        )
        if max_dt is not None and not max_dt > 0:
            raise PhysrepError(f"{self.name}: max_dt={max_dt} must be positive.")
        if dtype not in (torch.float32, torch.float64):
            raise PhysrepError(f"{self.name}: dtype {dtype} must be torch.float32 or torch.float64.")
        batch = self.check_parameters(parameters, None if initial is not None else seeds)
        if initial is not None:
            self.check_initial(initial, batch)
        on_cpu = torch.device(device).type == "cpu"
        size = max(1, self.cache_points // math.prod(setup.resolution)) if on_cpu else batch
        parts: list[dict[str, Tensor]] = []
        failed: dict[int, str] = {}
        for first in range(0, batch, size):
            rows = slice(first, first + size)
            solver = self.solver(
                {name: value[rows] for name, value in parameters.items()},
                seeds[rows],
                None if initial is None else {name: value[rows] for name, value in initial.items()},
                setup,
            )
            fields, ended = record(solver, frames, save_dt)
            parts.append(fields)
            failed.update({first + row: reason for row, reason in ended.items()})
        return Trajectories(
            system=self.name,
            fields={field.name: torch.cat([part[field.name] for part in parts]) for field in self.fields},
            parameters={p.name: parameters[p.name].cpu().double() for p in self.parameters},
            time=torch.arange(frames, dtype=torch.float64) * save_dt,
            coordinates=self.grid(setup.resolution),
            periodic=self.periodic,
            failed=failed,
            attributes=self.attributes(setup),
        )

    def draw_parameters(
        self, seeds: Sequence[int], resolution: Sequence[int], ranges: Mapping[str, Sequence[float]] | None = None
    ) -> dict[str, Tensor]:
        """Parameters from the prior, one set per seed, inside `default_ranges` (or inside ``ranges``).

        Args:
            seeds: one per set; a set is a function of its seed alone.
            resolution: points per axis, which limit the default ranges.
            ranges: lowest and highest value of the parameters that are to differ from the default.
        """
        limits: dict[str, Sequence[float]] = {**self.default_ranges(resolution), **(ranges or {})}
        values: dict[str, list[float]] = {p.name: [] for p in self.parameters}
        for seed in seeds:
            generator = torch.Generator().manual_seed(trajectory_seed(seed, "parameters"))
            uniform = torch.rand(len(self.parameters), generator=generator, dtype=torch.float64)
            for parameter, u in zip(self.parameters, uniform.tolist(), strict=True):
                values[parameter.name].append(parameter.draw(u, *limits[parameter.name]))
        return {name: torch.tensor(column, dtype=torch.float64) for name, column in values.items()}

    def check_ranges(self, resolution: Sequence[int], ranges: Mapping[str, Sequence[float]]) -> str | None:
        """A sentence that says which asked range the grid does not resolve, or None.

        Args:
            resolution: points per axis.
            ranges: lowest and highest value by name of the parameter.
        """
        resolved = self.resolved_ranges(resolution)
        for name, (low, high) in ranges.items():
            self.parameter(name)
            if not low <= high:
                raise PhysrepError(f"{self.name}: range of {name} is empty: [{low}, {high}]; give low <= high.")
            inside = resolved[name]
            slack = 1e-9 * max(abs(inside[0]), abs(inside[1]))
            if low < inside[0] - slack or high > inside[1] + slack:
                return (
                    f"{self.name} at {'x'.join(map(str, resolution))} points resolves {name} in "
                    f"[{inside[0]:.4g}, {inside[1]:.4g}], not [{low:.4g}, {high:.4g}]"
                )
        return None

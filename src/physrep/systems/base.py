"""The contract of a physical system: parameters in, trajectories out.

A system knows its equations and nothing of files or learning. Adding one is one module with a subclass of `System`
and one line in `SYSTEMS` (see CONTRIBUTING.md).
"""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ..errors import PhysrepError


@dataclass(frozen=True)
class Parameter:
    """A physical parameter and its prior.

    Attributes:
        name: name in files and tables, e.g. ``"Reynolds"``.
        symbol: as printed in figures, e.g. ``"Re"``.
        low, high: range of the prior.
        scale: ``"log"`` draws and scores the logarithm, ``"linear"`` the value.
        unit: unit, ``"1"`` if dimensionless.
        meaning: a few words.
    """

    name: str
    symbol: str
    low: float
    high: float
    scale: Literal["log", "linear"] = "log"
    unit: str = "1"
    meaning: str = ""

    def draw(self, u: float, low: float | None = None, high: float | None = None) -> float:
        """Value at the quantile ``u`` in [0, 1] of the uniform (or log-uniform) prior on ``[low, high]``."""
        low = self.low if low is None else low
        high = self.high if high is None else high
        if self.scale == "log":
            return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        return low + u * (high - low)


@dataclass(frozen=True)
class Field:
    """A stored field: ``order`` 0 is a scalar, 1 a vector (trailing axis D), 2 a tensor (trailing axes D, D)."""

    name: str
    order: int = 0


@dataclass
class Trajectories:
    """Simulated trajectories of one system.

    Attributes:
        system: name of the system.
        fields: name to tensor with shape ``(B, T, *S)`` followed by ``(D,)`` or ``(D, D)`` for vectors and tensors.
        parameters: name to tensor with shape ``(B,)``.
        time: saved times with shape ``(T,)``, in the system's unit.
        coordinates: axis name to grid coordinates, in storage order.
        periodic: per axis, whether it is periodic.
        failed: trajectory index (0 to B-1) to the reason why it was ended; its frames must not be used.
        attributes: notes for the file's metadata (solver, initial condition, resolution checks).
    """

    system: str
    fields: dict[str, Tensor]
    parameters: dict[str, Tensor]
    time: Tensor
    coordinates: dict[str, Tensor]
    periodic: tuple[bool, ...]
    failed: dict[int, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.parameters.values())))


def trajectory_seed(*parts: int | str) -> int:
    """A 63-bit seed from any names and numbers: the same on every machine and for any number of workers."""
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class System(ABC):
    """A partial differential equation with named parameters, simulated in batches.

    Attributes:
        name: key in `SYSTEMS`, and the dataset name in files.
        fields: stored fields, in storage order.
        parameters: parameters with their priors.
        axes: names of the spatial axes in storage order.
        lengths: side lengths of the domain.
        origin: coordinates of the first corner.
        periodic: per axis, whether it is periodic.
        mirrors: axes whose reflection (with the reflected vector component) maps solutions to solutions of the
            same parameters. Periodic axes may in addition be shifted. Used as exact augmentations.
        boost: name of the velocity field if Galilean boosts map solutions to solutions, else empty.
        passive: fields s for which ``a s + b`` is a solution too.
        resolution, frames, save_dt: defaults of grid, stored frames and time between them.
        initial_conditions: names of the families that `simulate` accepts; the first is the default.
        unit_time, unit_length: names of the units, for axes of figures.
    """

    name: str
    fields: tuple[Field, ...]
    parameters: tuple[Parameter, ...]
    axes: tuple[str, ...]
    lengths: tuple[float, ...]
    origin: tuple[float, ...]
    periodic: tuple[bool, ...]
    mirrors: tuple[str, ...] = ()
    boost: str = ""
    passive: tuple[str, ...] = ()
    resolution: tuple[int, ...]
    frames: int
    save_dt: float
    initial_conditions: tuple[str, ...]
    unit_time: str = "1"
    unit_length: str = "1"

    @abstractmethod
    def resolved_ranges(self, resolution: Sequence[int]) -> dict[str, tuple[float, float]]:
        """The part of each parameter's prior that this grid resolves, ``{name: (low, high)}``."""

    @abstractmethod
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
    ) -> Trajectories:
        """Integrate a batch.

        Args:
            parameters: one value per trajectory and parameter, tensors with shape ``(B,)``.
            seeds: one seed per trajectory; it fixes the initial condition, whatever the batch.
            resolution: grid points per axis.
            frames: number of stored frames, the first at t = 0.
            save_dt: time between stored frames.
            initial_condition: name of a family in `initial_conditions`.
            initial: start from these fields instead (shapes as in `Trajectories.fields` without the time axis).
            dtype: float32 or float64.
            device: where to compute.

        Returns:
            The trajectories, on the CPU in float32 or float64 as computed.
        """

    def parameter(self, name: str) -> Parameter:
        """The parameter called ``name``."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise PhysrepError(f"{self.name} has no parameter {name!r}; it has {[p.name for p in self.parameters]}.")

    def check_parameters(self, parameters: dict[str, Tensor], seeds: Sequence[int] | None = None) -> int:
        """The batch size that ``parameters`` (and ``seeds``, where given) agree on.

        Raises:
            PhysrepError: a name is missing or unknown, lengths differ, a value is not finite, or it is not positive
                where the parameter's scale is logarithmic.
        """
        names = {p.name for p in self.parameters}
        if set(parameters) != names:
            raise PhysrepError(f"{self.name}: parameters {sorted(parameters)} must be exactly {sorted(names)}.")
        lengths = {name: tuple(value.shape) for name, value in parameters.items()}
        batch = len(seeds) if seeds is not None else parameters[self.parameters[0].name].numel()
        if batch == 0 or any(shape != (batch,) for shape in lengths.values()):
            raise PhysrepError(f"{self.name}: parameters have shapes {lengths}; each must be ({batch or 'B'},).")
        for parameter in self.parameters:
            value = parameters[parameter.name]
            if not torch.isfinite(value).all() or (parameter.scale == "log" and value.min() <= 0):
                kind = "positive and finite" if parameter.scale == "log" else "finite"
                raise PhysrepError(f"{self.name}: {parameter.name} must be {kind}, not {value.tolist()}.")
        return batch

    def draw_parameters(
        self, seeds: Sequence[int], resolution: Sequence[int], ranges: dict[str, Sequence[float]] | None = None
    ) -> dict[str, Tensor]:
        """Parameters from the prior, one set per seed, inside what the grid resolves (or inside ``ranges``)."""
        limits: dict[str, Sequence[float]] = {**self.resolved_ranges(resolution), **(ranges or {})}
        values: dict[str, list[float]] = {p.name: [] for p in self.parameters}
        for seed in seeds:
            generator = torch.Generator().manual_seed(trajectory_seed(seed, "parameters"))
            uniform = torch.rand(len(self.parameters), generator=generator, dtype=torch.float64)
            for parameter, u in zip(self.parameters, uniform.tolist(), strict=True):
                values[parameter.name].append(parameter.draw(u, *limits[parameter.name]))
        return {name: torch.tensor(column, dtype=torch.float64) for name, column in values.items()}

    def check_ranges(self, resolution: Sequence[int], ranges: dict[str, Sequence[float]]) -> str | None:
        """A sentence that says which asked range the grid does not resolve, or None."""
        resolved = self.resolved_ranges(resolution)
        for name, (low, high) in ranges.items():
            self.parameter(name)
            if not low <= high:
                raise PhysrepError(f"{self.name}: range of {name} is empty: [{low}, {high}]; give low <= high.")
            inside = resolved[name]
            if low < inside[0] * (1 - 1e-9) or high > inside[1] * (1 + 1e-9):
                return (
                    f"{self.name} at {'x'.join(map(str, resolution))} points resolves {name} in "
                    f"[{inside[0]:.4g}, {inside[1]:.4g}], not [{low:.4g}, {high:.4g}]"
                )
        return None

    def grid(self, resolution: Sequence[int]) -> dict[str, Tensor]:
        """Coordinates per axis, ``origin + L i / n`` (the periodic convention), float64."""
        return {
            axis: start + length * torch.arange(n, dtype=torch.float64) / n
            for axis, start, length, n in zip(self.axes, self.origin, self.lengths, resolution, strict=True)
        }

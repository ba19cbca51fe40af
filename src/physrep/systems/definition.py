"""What a system says of itself, and the checks of what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from .description import Field, Parameter


class Definition:
    """Fields, parameters, domain and defaults of a system.

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
        isotropic: whether exchanging the axes (with the components of vectors and tensors) maps solutions to solutions
            of the same parameters, on a square domain.
        boost: name of the velocity field if Galilean boosts map solutions to solutions, else empty.
        passive: fields s for which ``a s + b`` is a solution too.
        resolution, frames, save_dt: defaults of grid, stored frames and time between them.
        initial_conditions: names of the families that `simulate` accepts; the first is the default.
        initial_fields: fields that a given start must hold.
        restartable: whether the stored fields determine what follows; False for particles, which are in no file.
        options: switches beside the parameters, name to accepted values, the first being the default.
        method: one line on the discretisation, for the metadata of files.
        cache_points: grid points that are integrated together on a CPU, over all trajectories: more fall out of its
            cache, fewer pay more overhead per call. The results do not depend on it.
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
    isotropic: bool = False
    boost: str = ""
    passive: tuple[str, ...] = ()
    resolution: tuple[int, ...]
    frames: int
    save_dt: float
    initial_conditions: tuple[str, ...]
    initial_fields: tuple[str, ...]
    restartable: bool = True
    options: dict[str, tuple[Any, ...]] = {}  # noqa: RUF012 - a constant of the class
    method: str
    cache_points: int = 2**16
    unit_time: str = "1"
    unit_length: str = "1"

    def check_resolution(self, resolution: Sequence[int]) -> tuple[int, ...]:
        """``resolution`` as a tuple, or a `PhysrepError`."""
        if len(resolution) != len(self.axes) or min(resolution) < 8:
            raise PhysrepError(
                f"{self.name}: resolution {list(resolution)} must be {len(self.axes)} numbers of at least 8, for the "
                f"axes {', '.join(self.axes)}."
            )
        return tuple(resolution)

    def check_family(self, name: str) -> str:
        """``name`` if it is a family of initial conditions, or a `PhysrepError`."""
        if name not in self.initial_conditions:
            raise PhysrepError(
                f"{self.name}: there is no initial condition {name!r}; it has {list(self.initial_conditions)}."
            )
        return name

    def check_options(self, options: dict[str, Any] | None) -> dict[str, Any]:
        """All switches of this system with their values, the first choice where absent, or a `PhysrepError`."""
        for name, value in (options or {}).items():
            if name not in self.options:
                raise PhysrepError(f"{self.name}: there is no option {name!r}; it has {list(self.options) or 'none'}.")
            if value not in self.options[name]:
                raise PhysrepError(f"{self.name}: option {name} is {value!r}; it can be {list(self.options[name])}.")
        return {name: (options or {}).get(name, choices[0]) for name, choices in self.options.items()}

    def check_initial(self, initial: dict[str, Tensor], batch: int) -> None:
        """Raise `PhysrepError` unless ``initial`` holds what a start needs, in shapes that fit.

        Args:
            initial: fields by name, ``(batch, *grid, *components)``.
            batch: number of trajectories.
        """
        if not self.restartable:
            raise PhysrepError(
                f"{self.name}: a run cannot start from stored fields, which do not hold its whole state; choose an "
                f"initial condition ({', '.join(self.initial_conditions)})."
            )
        missing = [name for name in self.initial_fields if name not in initial]
        if missing:
            raise PhysrepError(
                f"{self.name}: initial holds {sorted(initial)}; it needs {list(self.initial_fields)} as well."
            )
        dimensions = len(self.axes)
        grids = set()
        for own in self.fields:
            if own.name not in initial:
                continue
            shape = tuple(initial[own.name].shape)
            grid, components = shape[1 : 1 + dimensions], shape[1 + dimensions :]
            if len(grid) < dimensions or components != (dimensions,) * own.order or shape[0] != batch:
                wanted = (batch, *(f"n{axis}" for axis in self.axes), *[dimensions] * own.order)
                raise PhysrepError(
                    f"{self.name}: initial {own.name} has shape {shape}; it must be ({', '.join(map(str, wanted))})."
                )
            grids.add(grid)
        if len(grids) > 1:
            raise PhysrepError(f"{self.name}: initial fields lie on different grids {sorted(grids)}; give one grid.")

    def parameter(self, name: str) -> Parameter:
        """The parameter called ``name``."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise PhysrepError(f"{self.name} has no parameter {name!r}; it has {[p.name for p in self.parameters]}.")

    def priors(self) -> dict[str, tuple[float, float]]:
        """Range of every parameter's prior, ``{name: (low, high)}``."""
        return {parameter.name: (parameter.low, parameter.high) for parameter in self.parameters}

    def check_parameters(self, parameters: dict[str, Tensor], seeds: Sequence[int] | None = None) -> int:
        """The batch size that ``parameters`` (and ``seeds``, where given) agree on.

        Args:
            parameters: values by name, each with shape ``(B,)``.
            seeds: one per trajectory; None takes B from the first parameter.

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

    def grid(self, resolution: Sequence[int]) -> dict[str, Tensor]:
        """Coordinates per axis, ``origin + L i / n`` (the periodic convention), float64."""
        return {
            axis: start + length * torch.arange(n, dtype=torch.float64) / n
            for axis, start, length, n in zip(self.axes, self.origin, self.lengths, resolution, strict=True)
        }

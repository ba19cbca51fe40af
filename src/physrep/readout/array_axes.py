"""Trajectories in memory as recordings: arrays, and data sets of xarray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch

from ..clip import Clip
from ..data.convert import from_xarray
from ..data.convert.axes import named_axes, spatial
from ..data.given import as_array
from ..data.single_precision import in_single
from ..errors import PhysrepError
from .recordings import Recording


@dataclass(frozen=True)
class ArrayAxes:
    """How an array lies in time and space, and which windows are cut out of it.

    Attributes:
        dt: time between frames; needed for arrays.
        dx: spacing, one number or one per axis; needed for arrays.
        channels: names of the C channels; default those that the encoder reads, in its order.
        periodic: for all axes, or per axis; default periodic.
        stride: distance between the starts of windows; default that of the fit.
    """

    dt: float | None = None
    dx: Sequence[float] | float | None = None
    channels: Sequence[str] | None = None
    periodic: Sequence[bool] | bool | None = None
    stride: int | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """From keyword arguments.

        Raises:
            PhysrepError: one that is no attribute, or a stride below 1.
        """
        known = [field.name for field in fields(cls)]
        unknown = [name for name in given if name not in known]
        if unknown:
            raise PhysrepError(f"there is no argument {unknown[0]!r}; give {', '.join(known)}.")
        made = cls(**given)
        if made.stride is not None and made.stride < 1:
            raise PhysrepError(f"stride is {made.stride}; it must be at least 1.")
        return made


@dataclass(frozen=True)
class WindowShape:
    """The windows that an encoder reads: its channels, frames, distance of frames and of starts, axes of space."""

    channels: tuple[str, ...]
    frames: int
    frame_step: int
    stride: int
    space: int = 2


def array_recordings(data: Any, axes: ArrayAxes, window: WindowShape) -> list[Recording]:
    """Windows of every trajectory of an array ``(N, T, C, *S)`` or ``(T, C, *S)``, or of a data set of xarray.

    ``S`` are the points along the axes of space, as many as the encoder was trained on: ``H, W``, or one or three.

    Args:
        data: trajectories.
        axes: of an array; xarray brings its own, which those given replace.
        window: what is cut out.

    Raises:
        PhysrepError: what is missing, another shape, too few frames, or values that are not finite.
    """
    dt, dx, names, units = axes.dt, axes.dx, axes.channels, {}
    if hasattr(data, "coords"):
        data, dt, dx, names, units = _from_xarray(data, axes)
    array, space = as_array(data, "the array"), window.space
    array = array[None] if array.ndim == 2 + space else array
    if array.ndim != 3 + space:
        raise wrong_shape(array.shape, space)
    if dt is None or dx is None:
        raise PhysrepError("give dt, the time between frames, and dx, the spacing, with an array.")
    names = tuple(names) if names is not None else window.channels
    if len(names) != array.shape[2]:
        raise PhysrepError(f"the array has {array.shape[2]} channels; name each of them with channels=[...].")
    if not np.isfinite(array).all():
        raise PhysrepError("the array holds NaN or infinity; leave these trajectories out.")
    array = in_single(array, "the array")
    step, span = window.frame_step, (window.frames - 1) * window.frame_step + 1
    if array.shape[1] < span:
        raise PhysrepError(f"the array has {array.shape[1]} frames, but a window of this encoder needs {span}.")
    starts = list(range(0, array.shape[1] - span + 1, window.stride))
    around = per_axis("periodic", True if axes.periodic is None else axes.periodic, bool, space)
    spacing = per_axis("dx", dx, np.float64, space)
    found = []
    for number, trajectory in enumerate(array):
        fields = np.stack([trajectory[s : s + span : step].swapaxes(0, 1) for s in starts])
        clip = Clip(
            fields=torch.from_numpy(fields),
            parameters=torch.empty(len(starts), 0, dtype=torch.float64),
            channels=names,
            parameter_names=(),
            dt=float(dt) * step,
            dx=tuple(spacing),
            periodic=tuple(around),
            trajectory=torch.zeros(len(starts), dtype=torch.int64),
            start=torch.tensor(starts),
        )
        found.append(Recording("array", number, clip, {}, [start * float(dt) for start in starts], units))
    return found


SPACE = {1: ("X",), 2: ("H", "W"), 3: ("D", "H", "W")}
"""Names of the axes of space in the shape of an array, by their number."""


def counted(space: int) -> str:
    """``one axis``, ``two axes``, ``three axes``."""
    return {1: "one axis", 2: "two axes", 3: "three axes"}[space]


def wrong_shape(shape: Sequence[int], space: int) -> PhysrepError:
    """That an array has another number of axes than the fields that an encoder reads, ``space`` of space."""
    one = ", ".join(("T", "C", *SPACE[space]))
    return PhysrepError(
        f"the array has the shape {tuple(shape)}, but this encoder reads fields on {counted(space)} of space; give "
        f"(N, {one}), or to `physrep.load_readout` ({one}) of one trajectory."
    )


def per_axis(name: str, given: Any, kind: type, space: int) -> list[Any]:
    """One value, or one per axis of space, as one per axis.

    Args:
        name: of the argument.
        given: its value.
        kind: type of the values.
        space: number of axes.

    Raises:
        PhysrepError: another number of values.
    """
    try:
        return np.broadcast_to(np.asarray(given, dtype=kind), (space,)).tolist()
    except (TypeError, ValueError) as error:
        raise PhysrepError(
            f"{name} is {given!r}; give one value, or one for each of the {counted(space)} of space."
        ) from error


def space_of(data: Any) -> int:
    """Number of axes of space of a data set or array of xarray, by the names of its dimensions."""
    return len(spatial(named_axes([str(axis) for axis in data.dims], "xarray")))


def _spacing(axis: str, points: np.ndarray) -> float:
    steps = np.diff(points)
    if np.ptp(steps) > 1e-3 * steps.mean():
        raise PhysrepError(
            f"coordinates of {axis} are not equally spaced ({steps.min():.4g} to {steps.max():.4g}); interpolate to "
            "equal spacing, or store them with `physrep.write_well` and predict the file."
        )
    return float(steps.mean())


def _from_xarray(data: Any, axes: ArrayAxes) -> tuple[np.ndarray, float, tuple[float, ...], list[str], dict[str, str]]:
    """Array ``(N, T, C, *S)``, dt, dx, channels and units; dimensions are found by name (see `from_xarray`)."""
    unknown = [str(axis) for axis in data.dims if axis not in data.coords and str(axis) not in ("sample", "trajectory")]
    if unknown and (axes.dt is None or axes.dx is None):
        raise PhysrepError(f"the dimension {unknown[0]} has no coordinates; give dt and dx.")
    spacing = None if axes.dx is None else per_axis("dx", axes.dx, np.float64, space_of(data))
    found = from_xarray(data, dt=axes.dt, dx=spacing, name="xarray")
    names = list(axes.channels) if axes.channels is not None else list(found.fields)
    missing = [name for name in names if name not in found.fields]
    if missing:
        raise PhysrepError(f"there is no variable {missing[0]!r}; there are {', '.join(found.fields)}.")
    array = np.stack([found.fields[name].numpy() for name in names], axis=2)
    steps = tuple(_spacing(axis, points.double().numpy()) for axis, points in found.coordinates.items())
    return array, float(found.time[1] - found.time[0]), steps, names, found.units

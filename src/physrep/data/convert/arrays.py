"""Named arrays without a description: which are fields, which coordinates, which parameters of the trajectories."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PhysrepError
from .axes import CHANNEL, COMPONENT, ROLES, SAMPLE, TIME, guess_axes, named_axes, role
from .source import LazyArray, Part

VECTORS = ("velocity", "vel", "momentum", "displacement")
"""Arrays of these names hold one vector, not channels, if they have as many components as space has axes."""


@dataclass(frozen=True)
class RawArray:
    """An array as a file stores it; ``read`` as in `LazyArray`, ``units`` if it states some, ``note`` for the user."""

    shape: tuple[int, ...]
    kind: str
    read: Callable[[tuple[int | slice, ...]], np.ndarray]
    names: tuple[str, ...] | None = None
    units: str = ""
    note: str = ""

    def all(self) -> np.ndarray:
        """The whole array; for small ones."""
        return np.asarray(self.read((slice(None),) * len(self.shape)))


def raw(array: Any) -> RawArray:
    """A view of anything with ``shape``, ``dtype`` and indexing."""
    return RawArray(tuple(array.shape), np.dtype(array.dtype).kind, lambda index: array[index])


def part_of_arrays(
    path: Path,
    arrays: Mapping[str, RawArray],
    axes: Sequence[str] | None = None,
    fields_only: bool = False,
    frame: bool = False,
) -> Part:
    """A part of a source out of named arrays.

    Coordinates are known by their names (``t``, ``x``, ``x-coordinate``); arrays with an axis of time are fields; one
    number per trajectory, or a single number, is a parameter. What is neither is left out, and said.

    Args:
        path: of the file, for messages.
        arrays: name to array.
        axes: meaning of the axes of all fields; default the arrays' own names, or a guess, which is said.
        fields_only: see `guess_axes`.
        frame: the file holds one frame: arrays of space alone are fields, and get an axis of time with one point.

    Raises:
        PhysrepError: there is no field.
    """
    # The same letters may be written in two ways (an accent in one or two characters), as the solver's editor does it.
    composed = {unicodedata.normalize("NFC", name): array for name, array in arrays.items()}
    arrays = composed if len(composed) == len(arrays) else arrays
    part = Part(path, {}, units={coordinate_axis(k) or k: array.units for k, array in arrays.items() if array.units})
    part.notes += [f"{path}: {array.note}" for array in arrays.values() if array.note]
    arrays = {name: _without_points(name, array, part.notes) for name, array in arrays.items()}
    lengths = {}
    for name, array in arrays.items():
        axis = coordinate_axis(name)
        if axis and len(array.shape) == 1 and array.kind in "fiuM" and array.shape[0] > 1:
            lengths[axis] = array.shape[0]
            part.coordinates[axis] = array.all()
    rest = {name: array for name, array in arrays.items() if not (coordinate_axis(name) and len(array.shape) == 1)}
    for name, array in list(rest.items()):
        meaning = _meaning(path, name, array, axes, lengths, (fields_only, frame), part.notes)
        if meaning is not None:
            part.arrays[name] = _with_time(meaning, array) if frame else LazyArray(meaning, array.shape, array.read)
            del rest[name]
    if not part.arrays:
        shapes = ", ".join(f"{name} {'x'.join(map(str, array.shape))}" for name, array in arrays.items()) or "nothing"
        raise PhysrepError(
            f"{path}: holds no field with an axis of time and at least one of space (it holds {shapes}); "
            "name the axes with --axes (a folder of files with one frame each is read as a trajectory)."
        )
    _components_as_fields(part)
    clean_coordinates(part)
    for name, array in rest.items():
        _take_parameter(part, name, array)
    return part


def _with_time(meaning: tuple[str, ...], array: RawArray) -> LazyArray:
    """An array of space as one frame."""

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        values = np.asarray(array.read(index[1:]))
        return values[None][index[0]]

    return LazyArray((TIME, *meaning), (1, *array.shape), read)


def _without_points(name: str, array: RawArray, notes: list[str]) -> RawArray:
    """The array without spatial axes of one point (a level, a height), if it has others."""
    names = array.names or ()
    space = [i for i, axis in enumerate(names) if role(axis) not in ROLES]
    single = [i for i in space if array.shape[i] == 1]
    if not single or len(single) == len(space):
        return array
    notes.append(f"{name}: axis {', '.join(names[i] for i in single)} has one point and is dropped")
    kept = [i for i in range(len(names)) if i not in single]

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        parts = dict(zip(kept, index, strict=True))
        return array.read(tuple(parts.get(i, 0) for i in range(len(names))))

    return replace(array, shape=tuple(array.shape[i] for i in kept), read=read, names=tuple(names[i] for i in kept))


def coordinate_axis(name: str) -> str | None:
    """The axis whose coordinates an array of this name holds."""
    stem = (
        name.lower().replace("-coordinate", "").replace("_coordinate", "").removeprefix("grid/").removesuffix("_grid")
    )
    if stem in ROLES[TIME] and stem not in ("step", "frames"):
        return TIME
    return stem if stem in ("x", "y", "z") else None


def _meaning(
    path: Path,
    name: str,
    array: RawArray,
    axes: Sequence[str] | None,
    lengths: Mapping[str, int],
    without: tuple[bool, bool],
    notes: list[str],
) -> tuple[str, ...] | None:
    """Roles of the axes of a field, or None if the array is no field; ``without`` trajectories, and without time."""
    fields_only, frame = without
    if array.kind not in "fiub":
        return None
    if array.names is not None:
        found = named_axes(array.names, f"{path}: {name}")
    elif axes is not None:
        found = named_axes(axes, path) if len(axes) == len(array.shape) else None
    else:
        least = 2 if frame else 2 + (not fields_only)
        found = guess_axes(array.shape, lengths, fields_only, frame) if len(array.shape) >= least else None
        if found is None and len(array.shape) == 2 and set(lengths) >= {"x"}:
            found = guess_axes(array.shape, lengths, fields_only, frame)
        if found is not None:
            notes.append(f"axes of {name} are taken as ({', '.join(found)}); --axes says otherwise")
    if found is None or (TIME in found) == frame or not any(axis not in ROLES for axis in found):
        return None
    if frame and SAMPLE in found:
        return None
    space = [axis for axis in found if axis not in ROLES]
    if CHANNEL in found and name.lower() in VECTORS and array.shape[found.index(CHANNEL)] == len(space):
        found = tuple(COMPONENT if axis == CHANNEL else axis for axis in found)
    return found


def _components_as_fields(part: Part) -> None:
    """Arrays whose components are no vector of their space get a field per component."""
    for name, array in part.arrays.items():
        if COMPONENT in array.axes and array.length(COMPONENT) != len(array.grid):
            axes = tuple(CHANNEL if axis == COMPONENT else axis for axis in array.axes)
            part.arrays[name] = replace(array, axes=axes)


def disagreement(part: Part) -> str:
    """How the fields of a part differ in their trajectories, frames or grid; empty if they agree."""
    first_name, first = next(iter(part.arrays.items()))
    for name, array in part.arrays.items():
        for what, own, other in (
            ("trajectories", array.length(SAMPLE), first.length(SAMPLE)),
            ("frames", array.length(TIME), first.length(TIME)),
            ("grid points", array.grid, first.grid),
        ):
            if own != other:
                own, other = (_words(value) for value in (own, other))
                return f"{name} has {what} {own}, but {first_name} has {other}; choose with --fields"
    return ""


def _words(value: int | dict[str, int]) -> str:
    return " x ".join(f"{axis} {n}" for axis, n in value.items()) if isinstance(value, dict) else str(value)


def clean_coordinates(part: Part) -> None:
    """Keep coordinates that belong to an axis; PDEBench stores one time more than there are frames."""
    lengths = {TIME: part.frames}
    for array in part.arrays.values():
        lengths = {**array.grid, **lengths}  # of the first that has the axis
    for axis, values in list(part.coordinates.items()):
        n = lengths.get(axis)
        if axis == TIME and n is not None and len(values) == n + 1:
            part.coordinates[axis] = values[:n]
            part.notes.append(f"of {n + 1} times the last has no frame and is left out")
        elif n != len(values):
            del part.coordinates[axis]
            part.notes.append(f"coordinate {axis} has {len(values)} values for {n} points and is left out")


def _take_parameter(part: Part, name: str, array: RawArray) -> None:
    count = len(part)
    short = name.rsplit("/", 1)[-1]
    if array.names is not None and array.kind in "fiub":
        roles = tuple(role(name) for name in array.names)
        if TIME in roles and set(roles) <= {SAMPLE, TIME} and array.shape[roles.index(TIME)] == part.frames:
            _take_constant(part, name, np.moveaxis(array.all(), roles.index(TIME), -1))
            return
    if array.kind in "fiub" and int(np.prod(array.shape)) == 1:
        part.parameters[short] = np.full(count, float(array.all().reshape(())), dtype=np.float64)
    elif array.kind in "fiub" and array.shape in ((count,), (count, 1), (1, count)):
        part.parameters[short] = array.all().reshape(count).astype(np.float64)
    elif array.kind in "fiub" and len(array.shape) == 2 and array.shape[0] == count and array.shape[1] <= MOST_COLUMNS:
        for i, column in enumerate(array.all().T):
            part.parameters[f"{short}_{i}"] = column.astype(np.float64)
    else:
        what = "complex (store its real and imaginary parts as two fields)" if array.kind == "c" else "no field"
        part.notes.append(f"{name} ({'x'.join(map(str, array.shape)) or 'text'}) is {what} and is left out")


def _take_constant(part: Part, name: str, values: np.ndarray) -> None:
    """A number per trajectory and frame is a parameter if it does not change with time."""
    rows = np.broadcast_to(values, (len(part), part.frames)).astype(np.float64)
    if bool((rows == rows[:, :1]).all()):
        part.parameters[name.rsplit("/", 1)[-1]] = rows[:, 0].copy()
    else:
        part.notes.append(f"{name} changes with time and is left out; only constants are parameters")


MOST_COLUMNS = 32
"""A table of parameters with more columns is none."""


def with_channel_names(part: Part, names: Sequence[str]) -> Part:
    """The same part where an array with as many channels has these names."""
    arrays = {
        key: replace(array, names=tuple(names)) if array.length(CHANNEL) == len(names) else array
        for key, array in part.arrays.items()
    }
    return replace(part, arrays=arrays)


__all__ = [
    "RawArray",
    "clean_coordinates",
    "coordinate_axis",
    "disagreement",
    "part_of_arrays",
    "raw",
    "role",
    "with_channel_names",
]

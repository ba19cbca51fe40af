"""What a reader finds in foreign files: named arrays that are read piece by piece, and the trajectories in them."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PhysrepError
from ..open_hdf5 import open_local
from .axes import CHANNEL, COMPONENT, SAMPLE, TIME, spatial

MAX_OPEN = 8


@dataclass(frozen=True)
class LazyArray:
    """An array of a file.

    Attributes:
        axes: what each axis means (see `physrep.data.convert.axes`).
        shape: lengths of the axes.
        read: a tuple of integers and slices, one per axis, to that part of the array.
        names: names of the channels, where the file says them.
    """

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    read: Callable[[tuple[int | slice, ...]], np.ndarray]
    names: tuple[str, ...] = ()

    def length(self, axis: str) -> int:
        """Length of an axis, 1 if there is no such axis."""
        return self.shape[self.axes.index(axis)] if axis in self.axes else 1

    @property
    def grid(self) -> dict[str, int]:
        """Spatial axis to its number of points."""
        return {axis: self.length(axis) for axis in spatial(self.axes)}

    def block(self, sample: int, frames: slice, channel: int | None, order: Sequence[str]) -> np.ndarray:
        """Frames of one trajectory as ``(T, *S)``, or ``(T, *S, D)`` of an array with components; S as in ``order``."""
        chosen: dict[str, int | slice] = {SAMPLE: sample, TIME: frames}
        if channel is not None:
            chosen[CHANNEL] = channel
        index = tuple(chosen.get(axis, slice(None)) for axis in self.axes)
        left = [axis for axis, part in zip(self.axes, index, strict=True) if isinstance(part, slice)]
        wanted = [TIME, *order, *([COMPONENT] if COMPONENT in left else [])]
        return np.asarray(self.read(index)).transpose([left.index(axis) for axis in wanted])


@dataclass
class Part:
    """One file or folder of a source.

    Attributes:
        path: where it lies, or the name of what several files are together.
        files: what is read, if that is not ``path``.
        arrays: name to array; those with a time axis and a spatial axis are fields.
        parameters: name to one value per trajectory of the part, float64 with shape ``(count,)``.
        coordinates: "time" and spatial axes to their coordinates, where the file says them.
        places: name of every trajectory inside the part, e.g. "group 0007"; by default its number.
        periodic: axis to whether it is periodic, where the file says it.
        split: name of the split folder in which it lies.
        units: of coordinates and arrays, where the file says them.
        epoch: seconds from which its times count, where they were dates; to set files beside each other.
        notes: what was guessed or left out, one line each.
        error: why it could not be read; it then stands for one bad trajectory.
    """

    path: Path
    arrays: dict[str, LazyArray]
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    coordinates: dict[str, np.ndarray] = field(default_factory=dict)
    places: tuple[str, ...] = ()
    periodic: dict[str, bool] = field(default_factory=dict)
    split: str | None = None
    units: dict[str, str] = field(default_factory=dict)
    epoch: float = 0.0
    files: tuple[Path, ...] = ()
    notes: list[str] = field(default_factory=list)
    error: str = ""

    def __len__(self) -> int:
        if self.error:
            return 1
        return next((array.length(SAMPLE) for array in self.arrays.values()), 0)

    @property
    def frames(self) -> int:
        """Frames per trajectory."""
        return next((array.length(TIME) for array in self.arrays.values()), 0)

    @property
    def grid(self) -> dict[str, int]:
        """Spatial axis to its number of points, of the first field."""
        return next((array.grid for array in self.arrays.values()), {})

    def place(self, sample: int) -> str:
        """How to find a trajectory: the file, and where in it."""
        if self.places:
            return f"{self.path}, {self.places[sample]}"
        return str(self.path) if len(self) == 1 else f"{self.path}, trajectory {sample}"


def frame_by_frame(
    files: Sequence[Path], values: Callable[[Path], np.ndarray]
) -> Callable[[tuple[int | slice, ...]], np.ndarray]:
    """What reads a `LazyArray` whose first axis is time, of files that hold a frame each, as ``values`` reads them."""

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        frames, *rest = index
        chosen = files[frames] if isinstance(frames, slice) else [files[frames]]
        stack = np.stack([values(file) for file in chosen])
        return stack[(slice(None) if isinstance(frames, slice) else 0, *rest)]

    return read


class Handles:
    """A few open files; the one that was not used for longest is closed when another is opened.

    Args:
        opener: path to an open file, which has ``close``.
    """

    def __init__(self, opener: Callable[[str], Any]) -> None:
        self._opener = opener
        self._open: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        _every.append(self)

    def __call__(self, path: str | Path) -> Any:
        """The open file of this path; one that was changed, or opened before a fork, is opened again."""
        status = os.stat(path)
        key = (str(path), status.st_mtime_ns, status.st_size, os.getpid())
        if key not in self._open:
            if len(self._open) >= MAX_OPEN:
                self._close(self._open.popitem(last=False)[1])
            self._open[key] = self._opener(key[0])
        self._open.move_to_end(key)
        return self._open[key]

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._close(self._open.popitem()[1])

    @staticmethod
    def _close(handle: Any) -> None:
        if hasattr(handle, "close"):
            handle.close()


_every: list[Handles] = []


open_file = Handles(lambda path: open_local(Path(path)))
"""HDF5 files of all layouts, MATLAB's among them."""


def close_files() -> None:
    """Close every foreign file that is open for reading."""
    for handles in _every:
        handles.close()


@dataclass(frozen=True)
class FieldSource:
    """Where the values of one stored field come from.

    Attributes:
        name: of the field as it will be stored.
        pieces: (array, channel) of every component; several make a vector.
        order: 0 scalar, 1 vector.
    """

    name: str
    pieces: tuple[tuple[str, int | None], ...]
    order: int = 0


def offered_fields(part: Part) -> dict[str, FieldSource]:
    """The fields that a part offers, by name: every array, and every channel of an array with channels."""
    found: dict[str, FieldSource] = {}
    for name, array in part.arrays.items():
        if CHANNEL in array.axes:
            n = array.length(CHANNEL)
            names = array.names or ((name,) if n == 1 else tuple(f"{name}_{i}" for i in range(n)))
            for i, channel in enumerate(names):
                found[channel] = FieldSource(channel, ((name, i),))
        else:
            found[name] = FieldSource(name, ((name, None),), int(COMPONENT in array.axes))
    return found


def select(part: Part, requested: Sequence[str] | None) -> list[FieldSource]:
    """Fields to take: ``name``, ``new=name``, or ``velocity=u,v`` for a vector out of its components.

    Raises:
        PhysrepError: no field of that name.
    """
    known = offered_fields(part)
    if not requested:
        return list(known.values())
    chosen = []
    for word in requested:
        new, equals, old = word.partition("=")
        sources = (old if equals else new).split(",")
        for name in sources:
            if name not in known:
                raise PhysrepError(f"{part.path}: has no field {name!r}; it has {', '.join(known)}; mend --fields.")
        pieces = tuple(piece for name in sources for piece in known[name].pieces)
        if len(sources) > 1 and len(sources) != len(part.grid):
            raise PhysrepError(
                f"{part.path}: {word!r} joins {len(sources)} components, but there are {len(part.grid)} spatial axes."
            )
        order = 1 if len(sources) > 1 else known[sources[0]].order
        chosen.append(FieldSource(new, pieces, order))
    return chosen


def majority(items: Sequence[Any]) -> Any:
    """The item that occurs most often, the first of several."""
    return Counter(items).most_common(1)[0][0]

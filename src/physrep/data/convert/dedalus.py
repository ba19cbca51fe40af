"""Output of Dedalus (2 and 3): the sets that a file handler writes, ``snapshots/snapshots_s1.h5``, ``_s2.h5``, ...

What its evaluator writes (read in https://github.com/DedalusProject/dedalus, core/evaluator.py): fields are
``tasks/NAME`` with shape (writes, components..., x, z), every axis of space labelled and with its coordinates as
attached scales; times are ``scales/sim_time``. A handler starts a new file after some writes, so the files of one
handler are one trajectory. In parallel, files hold virtual data sets, whose values lie in a folder of the same name.

Boundary conditions are not stored, but grids tell them: Fourier bases have even points, so their axes are periodic;
Jacobi bases (Chebyshev, Legendre) have uneven ones, and ends.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ...errors import PhysrepError
from ..check_storage import refuse_elsewhere
from ..open_hdf5 import reading
from .axes import CHANNEL, COMPONENT, TIME, say_curvilinear, spatial
from .source import LazyArray, Part, open_file

EVEN = 1e-6
"""Spacings that differ by less than this share of their mean are those of a Fourier basis."""

CURVILINEAR = {"phi", "theta", "r", "azimuth", "colatitude", "radius"}


def is_dedalus(file: Any) -> bool:
    """Whether an open HDF5 file is a set of a Dedalus file handler."""
    return isinstance(file.get("tasks"), h5py.Group) and "scales/sim_time" in file


def handler_of(path: Path) -> str:
    """Name of the handler whose set a file is: ``snapshots_s12.h5`` is one of ``snapshots``."""
    return re.sub(r"_s\d+$", "", path.stem)


@dataclass(frozen=True)
class _Task:
    """A task as its files describe it: names of its spatial axes, their coordinates, its rank as a tensor."""

    axes: tuple[str, ...]
    shape: tuple[int, ...]
    coordinates: tuple[np.ndarray | None, ...]

    @property
    def rank(self) -> int:
        return len(self.shape) - len(self.axes)

    @property
    def grid(self) -> tuple[tuple[str, int], ...]:
        """Axes with more than one point, and their numbers of points."""
        points = zip(self.axes, self.shape[self.rank :], strict=True)
        return tuple((axis, n) for axis, n in points if n > 1)


def _fields_on(path: Path) -> tuple[frozenset[str], int]:
    """Tasks of a set that are fields of space, and how many axes the largest grid has; to tell handlers apart."""
    file = open_file(path)
    tasks = {name: _task(file["tasks"][name]) for name in file["tasks"] if _on_grid(file["tasks"][name])}
    most = max((len(task.grid) for task in tasks.values()), default=0)
    return frozenset(name for name, task in tasks.items() if len(task.grid) == most > 0), most


def read_dedalus(place: Path, files: Sequence[Path]) -> Part:
    """The sets of one file handler as a part of a source: one trajectory.

    Args:
        place: of the trajectory, for messages: the folder of the sets, or the file if there is one.
        files: the sets, in any order.

    Raises:
        PhysrepError: there is no field, sets hold other fields, or a file cannot be read.
    """
    with reading(place, "file"):
        sets = sorted(files, key=_first_write)
        times, frames = _times(sets)
        part = Part(place, {}, coordinates={TIME: times}, files=tuple(sets))
        replaced = sum(len(open_file(path)["scales/sim_time"]) for path in sets) - len(frames)
        if replaced:
            part.notes.append(
                f"{place}: {replaced} frames were written again after a restart; the later ones are taken"
            )
        tasks = _tasks(place, sets, part.notes)
    for name, task in tasks.items():
        part.arrays |= _arrays(name, task, frames)
    first = next(iter(tasks.values()))
    for axis, points in zip(first.axes, first.coordinates, strict=True):
        if (axis, len(points) if points is not None else 0) in first.grid and points is not None:
            part.coordinates[axis] = points
            steps = np.diff(points)
            part.periodic[axis] = bool(np.ptp(steps) < EVEN * abs(steps.mean()))
    for periodic, how in ((True, "even, so of a Fourier basis: periodic"), (False, "uneven: with ends")):
        named = [axis for axis, own in part.periodic.items() if own == periodic]
        if named:
            part.notes.append(f"points along {', '.join(named)} are {how}; --periodic says otherwise")
    say_curvilinear([axis for axis in part.grid if axis in CURVILINEAR], part.notes)
    return part


def _first_write(path: Path) -> int:
    file = open_file(path)
    if not is_dedalus(file):
        raise PhysrepError(f"{path}: lies beside sets of Dedalus, but is none; move it to another folder.")
    writes = file.get("scales/write_number")
    return int(writes[0]) if writes is not None and len(writes) else int(re.sub(r"\D", "", path.stem) or 0)


def _times(sets: Sequence[Path]) -> tuple[np.ndarray, list[tuple[Path, int]]]:
    """Times of the trajectory, and of every frame its file and place there; what a restart computed again replaces."""
    times: list[float] = []
    frames: list[tuple[Path, int]] = []
    for path in sets:
        own = np.asarray(open_file(path)["scales/sim_time"][:], dtype=np.float64)
        kept = int(np.searchsorted(times, own[0] - 1e-9 * abs(own[0]))) if len(own) else len(times)
        del times[kept:], frames[kept:]
        times += own.tolist()
        frames += [(path, i) for i in range(len(own))]
    return np.array(times), frames


def _on_grid(dataset: Any) -> bool:
    """Whether a task holds values on a grid, not coefficients of its basis."""
    return bool(np.all(dataset.attrs.get("grid_space", True)))


def _task(dataset: Any) -> _Task:
    labels = [dimension.label for dimension in dataset.dims][1:]
    # Axes of tensors come first and have no label.
    rank = next((i for i, label in enumerate(labels) if label), len(labels))
    names, coordinates = [], []
    for i in range(rank, len(labels)):
        scales = list(dataset.dims[1 + i].values()) if len(dataset.dims[1 + i]) else []
        points = np.asarray(scales[0][:], dtype=np.float64) if scales else None
        names.append(labels[i] if labels[i] != "constant" else f"constant_{i - rank}")
        coordinates.append(points if points is not None and len(points) == dataset.shape[1 + i] else None)
    return _Task(tuple(names), tuple(dataset.shape[1:]), tuple(coordinates))


def _tasks(place: Path, sets: Sequence[Path], notes: list[str]) -> dict[str, _Task]:
    """The tasks that lie on the grid of most; the others are named."""
    file = open_file(sets[0])
    found = {name: _task(file["tasks"][name]) for name in file["tasks"] if _on_grid(file["tasks"][name])}
    for path in sets[1:]:
        own = open_file(path)["tasks"]
        odd = [name for name, task in found.items() if name not in own or own[name].shape[1:] != task.shape]
        if odd:
            raise PhysrepError(f"{path}: lacks the task {odd[0]} of {sets[0].name}, or has another grid; move it away.")
    coefficients = [name for name in file["tasks"] if name not in found]
    if coefficients:
        notes.append(f"tasks {', '.join(coefficients)} hold coefficients, not values on a grid, and are left out")
    grids = Counter(task.grid for task in found.values() if task.grid)
    if not grids:
        raise PhysrepError(f"{place}: no task is a field on a grid (tasks: {', '.join(file['tasks']) or 'none'}).")
    most = max(grids, key=lambda grid: (len(grid), grids[grid]))
    others = [name for name, task in found.items() if task.grid != most]
    if others:
        notes.append(f"tasks {', '.join(others)} lie on another grid than the fields, and are left out")
    return {name: task for name, task in found.items() if task.grid == most}


def _arrays(name: str, task: _Task, frames: Sequence[tuple[Path, int]]) -> dict[str, LazyArray]:
    """A scalar or vector as one array; a tensor as one channel per component."""
    lengths = dict(task.grid)
    axes = tuple(lengths)
    kept = [task.rank + i for i, axis in enumerate(task.axes) if axis in lengths]
    names = [axis for axis in task.axes if not axis.startswith("constant_")]
    order = _component_order(axes)

    def stack(which: int | slice, tensor: tuple[int | slice, ...], rest: Sequence[int | slice]) -> np.ndarray:
        space: list[int | slice] = [0] * len(task.axes)
        for position, part in zip(kept, rest, strict=True):
            space[position - task.rank] = part
        chosen = frames[which] if isinstance(which, slice) else [frames[which]]
        values = [_stored(path, name)[(i, *tensor, *space)] for path, i in chosen]
        return np.stack(values) if isinstance(which, slice) else np.asarray(values[0])

    def scalar(index: tuple[int | slice, ...]) -> np.ndarray:
        return stack(index[0], (), index[1:])

    def vector(index: tuple[int | slice, ...]) -> np.ndarray:
        values = stack(index[0], (slice(None),), index[2:])
        axis = 1 if isinstance(index[0], slice) else 0
        return np.take(values, np.arange(task.shape[0])[list(order)][index[1]], axis=axis)  # type: ignore[index]

    shape = tuple(lengths.values())
    if task.rank == 0:
        return {name: LazyArray((TIME, *axes), (len(frames), *shape), scalar)}
    if task.rank == 1 and task.shape[0] == len(axes):
        return {name: LazyArray((TIME, COMPONENT, *axes), (len(frames), task.shape[0], *shape), vector)}
    sizes = task.shape[: task.rank]
    letters = names if all(n == len(names) for n in sizes) else [str(i) for i in range(max(sizes))]
    words = ["".join(letters[i] for i in where) for where in np.ndindex(*sizes)]

    def tensor(index: tuple[int | slice, ...]) -> np.ndarray:
        where = np.unravel_index(index[1], sizes)  # type: ignore[arg-type]
        return stack(index[0], tuple(int(i) for i in where), index[2:])

    channels = tuple(f"{name}_{word}" for word in words)
    return {name: LazyArray((TIME, CHANNEL, *axes), (len(frames), len(channels), *shape), tensor, channels)}


def _stored(path: Path, name: str) -> Any:
    dataset = open_file(path)["tasks"][name]
    refuse_elsewhere(path, f"tasks/{name}", dataset)
    return dataset


def _component_order(axes: Sequence[str]) -> tuple[int, ...]:
    """Components of a vector are stored in the order of the axes of space, which may be stored in another one."""
    return tuple(axes.index(axis) for axis in spatial(axes))


def fields_of_runs(folder: Path, sets: Mapping[Path, Sequence[Path]]) -> tuple[list[Path], str]:
    """Of places with sets beside each other: which hold the fields of a run each, and a line on the others.

    Handlers of one run write other tasks each (snapshots, profiles, checkpoints), or the same ones at other intervals;
    runs beside each other write the same tasks, with other values at equal times.
    """
    kinds: dict[Path, tuple[frozenset[str], int]] = {}
    frames: dict[Path, int] = {}
    damaged = []
    for place, files in sets.items():
        try:
            kinds[place] = _fields_on(files[0])
            frames[place] = sum(len(open_file(file)["scales/sim_time"]) for file in files)
            _ = [_first_write(file) for file in files]
        except (OSError, KeyError, PhysrepError):
            damaged.append(place)  # named where it is read
    sets = {place: files for place, files in sets.items() if place not in damaged}
    if not any(fields for fields, _ in (kinds[place] for place in sets)):
        return [*sets, *damaged], ""
    best = sorted(sets, key=lambda place: (kinds[place][1], len(kinds[place][0]), frames[place]), reverse=True)
    taken: list[Path] = []
    for place in best:
        same_fields = kinds[place][0] == kinds[best[0]][0]
        if same_fields and not any(_one_run(sets[place], sets[other]) for other in taken):
            taken.append(place)
    left = [place.name for place in sets if place not in taken]
    why = f"hold fewer fields than {best[0].name}, or its fields less often"
    note = f"{folder}: {', '.join(left)} {why}, and are left out" if left else ""
    return [*(place for place in sets if place in taken), *damaged], note


def _one_run(first: Sequence[Path], second: Sequence[Path]) -> bool:
    """Whether two handlers saw the same run: equal values of a field at the last time that both have."""
    times, frames = _times(sorted(first, key=_first_write))
    other_times, other_frames = _times(sorted(second, key=_first_write))
    common = np.intersect1d(times, other_times)
    if len(common) < 2:
        return False
    path, i = frames[int(np.flatnonzero(times == common[-1])[0])]
    other, j = other_frames[int(np.flatnonzero(other_times == common[-1])[0])]
    name = min(_fields_on(path)[0])
    one, two = open_file(path)["tasks"][name], open_file(other)["tasks"][name]
    return one.shape[1:] == two.shape[1:] and bool(np.array_equal(one[i], two[j]))


__all__ = ["fields_of_runs", "handler_of", "is_dedalus", "read_dedalus"]

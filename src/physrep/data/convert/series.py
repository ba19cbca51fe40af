"""Files that are one trajectory together: one frame each, or parts of a record that go on in time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...errors import PhysrepError
from .axes import TIME, role
from .source import LazyArray, Part

STEP = 0.05
"""The step between two files may differ from the steps inside by this share; what is read checks steps again."""


def go_on(parts: Sequence[Part]) -> bool:
    """Whether parts of one trajectory each follow each other in time, with the step that their frames have.

    Args:
        parts: in the order of their names.
    """
    if len(parts) < 2 or any(part.error or len(part) != 1 or TIME not in part.coordinates for part in parts):
        return False
    if any(part.parameters.keys() != parts[0].parameters.keys() for part in parts):
        return False
    if any(part.parameters[name][0] != value[0] for part in parts for name, value in parts[0].parameters.items()):
        return False
    times = _times(parts)
    steps = np.diff(times)
    step = float(np.median(steps)) if len(steps) else 0.0
    return step > 0 and bool((np.abs(steps - step) <= STEP * step).all())


def _times(parts: Sequence[Part]) -> np.ndarray:
    start = parts[0].epoch
    return np.concatenate([np.asarray(part.coordinates[TIME], dtype=np.float64) + part.epoch - start for part in parts])


def join_parts(place: Path, parts: Sequence[Part]) -> Part:
    """Parts of one trajectory each as one trajectory, in their order.

    Times are those of the parts; single numbers called time (``t``, ``time``) are times of frames. Parameters that all
    parts share are kept; others are left out, and said.

    Args:
        place: folder of the files.
        parts: at least one.

    Raises:
        PhysrepError: a part cannot be read, or has other fields or another grid than the first.
    """
    first = parts[0]
    for part in parts:
        if part.error:
            raise PhysrepError(f"{part.path}: {part.error}")
        if len(part) != 1:
            raise PhysrepError(f"{part.path}: holds {len(part)} trajectories, not a part of one; mend --files-are.")
        odd = [name for name in first.arrays if name not in part.arrays]
        if odd:
            raise PhysrepError(f"{part.path}: has no field {odd[0]}, but {first.path.name} has; take it out.")
        for name, array in first.arrays.items():
            if (part.arrays[name].axes, part.arrays[name].grid) != (array.axes, array.grid):
                raise PhysrepError(f"{part.path}: {name} has another grid than in {first.path.name}; take it out.")
    arrays = {name: _joined([part.arrays[name] for part in parts]) for name in first.arrays}
    joined = replace(first, path=place, arrays=arrays, parameters={}, coordinates=dict(first.coordinates), places=())
    joined.files = tuple(path for part in parts for path in part.files or (part.path,))
    joined.notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    joined.coordinates.pop(TIME, None)
    if all(TIME in part.coordinates for part in parts):
        joined.coordinates[TIME] = _times(parts)
    changing = []
    for name in first.parameters:
        values = [part.parameters[name][0] if name in part.parameters else np.nan for part in parts]
        if len(set(values)) == 1:
            joined.parameters[name] = first.parameters[name]
        elif role(name) == TIME and joined.frames == len(parts) and bool((np.diff(values) > 0).all()):
            joined.coordinates.setdefault(TIME, np.array(values))
        else:
            changing.append(name)
    if changing:
        joined.notes.append(f"{place}: {', '.join(changing)} change from file to file and are left out")
    return joined


def _joined(arrays: Sequence[LazyArray]) -> LazyArray:
    first = arrays[0]
    at = first.axes.index(TIME)
    ends = np.cumsum([array.length(TIME) for array in arrays])

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        which = index[at]
        frames = range(*which.indices(int(ends[-1]))) if isinstance(which, slice) else [which]
        blocks, position = [], 0
        while position < len(frames):
            number = int(np.searchsorted(ends, frames[position], side="right"))
            begin = int(ends[number - 1]) if number else 0
            end = position
            while end < len(frames) and frames[end] < ends[number]:
                end += 1
            step = frames[position + 1] - frames[position] if end > position + 1 else 1
            part = slice(frames[position] - begin, frames[end - 1] - begin + 1, step)
            blocks.append(np.asarray(arrays[number].read((*index[:at], part, *index[at + 1 :]))))
            position = end
        axis = sum(isinstance(own, slice) for own in index[:at])
        values = np.concatenate(blocks, axis)
        return values if isinstance(which, slice) else np.take(values, 0, axis)

    shape = (*first.shape[:at], int(ends[-1]), *first.shape[at + 1 :])
    return replace(first, shape=shape, read=read)


def by_field(parts: Sequence[Part]) -> list[Part]:
    """Files of one array each (``u_000.npy``, ``v_000.npy``, ...) as one part per frame, with an array per name.

    An array that is called as its file gets the name without the number at its end, or ``field``.
    """
    groups: dict[str, list[Part]] = {}
    for part in parts:
        name = next(iter(part.arrays), "")
        if part.error or len(part.arrays) != 1 or name != part.path.stem:
            return list(parts)
        groups.setdefault(re.sub(r"[ _.\-]*\d+$", "", name) or "field", []).append(part)
    counts = {name: len(own) for name, own in groups.items()}
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} {n}" for name, n in counts.items())
        raise PhysrepError(f"{parts[0].path.parent}: files of the fields differ in number ({listed}); complete them.")
    frames = []
    for own in zip(*groups.values(), strict=True):
        arrays = {name: next(iter(part.arrays.values())) for name, part in zip(groups, own, strict=True)}
        notes = [
            note.replace(part.path.stem, name) for name, part in zip(groups, own, strict=True) for note in part.notes
        ]
        frames.append(replace(own[0], arrays=arrays, notes=notes, files=tuple(part.path for part in own)))
    return frames

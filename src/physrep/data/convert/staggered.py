"""Fields on the faces of cells, as staggered grids store velocities, onto the centres where the other fields are.

The value at a centre is the mean of the two faces beside it, ``u(x_i) = (u(x_i - h/2) + u(x_i + h/2)) / 2``, exact to
second order. n + 1 faces belong to n centres; n faces belong to n centres of a periodic axis, where the first face
follows the last.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from .arrays import RawArray

HALF = 0.02
"""Faces may lie off the middle between centres by this share of the spacing."""


@dataclass(frozen=True)
class Faces:
    """An axis of faces, and the axis of points onto which they are averaged.

    Attributes:
        faces, points: names of the axes.
        count: number of points.
        first: point i lies between the faces i + first and i + first + 1.
        periodic: whether there are as many faces as points.
    """

    faces: str
    points: str
    count: int
    first: int = 0
    periodic: bool = False

    def average(self, values: np.ndarray, axis: int) -> np.ndarray:
        """Values on the points, from values on all faces along an axis."""
        n = values.shape[axis]
        at = np.arange(self.count) + self.first
        dtype = np.result_type(values, np.float32)
        return (values.take(at % n, axis).astype(dtype) + values.take((at + 1) % n, axis)) / 2


def find_faces(arrays: Mapping[str, RawArray], points: Mapping[str, np.ndarray]) -> dict[str, Faces]:
    """Axes of faces by name.

    Two axes belong together if no array has both, their names begin alike, and the coordinates of one lie in the middle
    between those of the other, or it is called as the other with ``_stag`` at its end (WRF) and has one point more. Of
    two axes with as many points, the one that fewer arrays have is that of the faces.

    Args:
        arrays: with named axes.
        points: name of an axis to its coordinates.
    """
    users: dict[str, set[str]] = {}
    lengths: dict[str, int] = {}
    for key, array in arrays.items():
        for name, n in zip(array.names or (), array.shape if len(array.shape) > 1 else (), strict=False):
            users.setdefault(name, set()).add(key)
            lengths[name] = n
    found: dict[str, Faces] = {}
    for faces in users:
        apart = [name for name in users if name[:1].lower() == faces[:1].lower() and not users[name] & users[faces]]
        # Of several axes with such points (x and y are often alike), the one whose name is most like that of the faces.
        for name in sorted(apart, key=lambda name: -_alike(name, faces)):
            pair = _pair(faces, name, lengths, points)
            fewer = (len(users[faces]), _start(points, name)) < (len(users[name]), _start(points, faces))
            if pair is not None and (fewer or not pair.periodic):
                found[faces] = pair
                break
    return found


def _alike(one: str, other: str) -> int:
    """How many letters two names have in common at their beginning."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _start(points: Mapping[str, np.ndarray], name: str) -> float:
    """Where two axes are in as many arrays, points that begin later are centres."""
    return -float(points[name][0]) if name in points else 0.0


def onto_centres(arrays: Mapping[str, RawArray], faces: Mapping[str, Faces], notes: list[str]) -> dict[str, RawArray]:
    """Arrays that lie on faces, averaged onto the points; others as they are.

    Args:
        arrays: with named axes.
        faces: of `find_faces`.
        notes: takes a line on every axis that is averaged.
    """
    for name, pair in faces.items():
        moved = ", ".join(key for key, array in arrays.items() if name in (array.names or ()))
        how = "as many as points, so periodic" if pair.periodic else "one more than points"
        notes.append(f"{moved} on faces {name} ({how}): the mean of two is taken as the value at {pair.points}")
    return {name: _averaged(array, faces) for name, array in arrays.items()}


def _pair(faces: str, points: str, lengths: Mapping[str, int], coordinates: Mapping[str, np.ndarray]) -> Faces | None:
    n = lengths[points]
    if n < 2 or lengths[faces] not in (n, n + 1):
        return None
    one, other = coordinates.get(faces), coordinates.get(points)
    if one is None and other is None:
        return Faces(faces, points, n) if faces == f"{points}_stag" and lengths[faces] == n + 1 else None
    if one is None or other is None or one.dtype.kind not in "fiu" or other.dtype.kind not in "fiu":
        return None
    step = float(np.mean(np.diff(other)))
    if lengths[faces] == n + 1:
        middle = (one[1:] + one[:-1]) / 2
        return Faces(faces, points, n) if np.allclose(middle, other, rtol=0, atol=HALF * abs(step)) else None
    for first, shift in ((0, 0.5), (-1, -0.5)):
        if np.allclose(other, one + shift * step, rtol=0, atol=HALF * abs(step)):
            return Faces(faces, points, n, first, periodic=True)
    return None


def _averaged(array: RawArray, faces: Mapping[str, Faces]) -> RawArray:
    names = array.names or ()
    moved = {axis: faces[name] for axis, name in enumerate(names) if name in faces}
    if not moved:
        return array

    def read(index: tuple[int | slice, ...]) -> np.ndarray:
        values = array.read(tuple(slice(None) if axis in moved else part for axis, part in enumerate(index)))
        kept = [axis for axis, part in enumerate(index) if axis in moved or isinstance(part, slice)]
        for axis, pair in moved.items():
            values = pair.average(values, kept.index(axis))
        return values[tuple(index[axis] if axis in moved else slice(None) for axis in kept)]

    shape = tuple(moved[axis].count if axis in moved else n for axis, n in enumerate(array.shape))
    renamed = tuple(moved[axis].points if axis in moved else name for axis, name in enumerate(names))
    return replace(array, shape=shape, names=renamed, read=read, kind="f")


__all__ = ["Faces", "find_faces", "onto_centres"]

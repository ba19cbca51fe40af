"""What the rows of a window depend on, beside its values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...clip import Clip


@dataclass(frozen=True)
class Geometry:
    """What the rows of a window depend on, beside its values.

    Attributes:
        shape: points (T, *S).
        dt, dx: spacings.
        periodic: of the axes of space.
        coordinates: per axis its points if they are not equally spaced, else None.
        modes: largest mode of each axis.
    """

    shape: tuple[int, ...]
    dt: float
    dx: tuple[float, ...]
    periodic: tuple[bool, ...]
    coordinates: tuple[tuple[float, ...] | None, ...]
    modes: tuple[int, ...]


def geometry_of(clip: Clip, modes: Sequence[int]) -> Geometry:
    """The geometry of a clip; modes that its grid cannot hold are left out (beyond a quarter of a periodic axis)."""
    frames, *points = clip.fields.shape[2:]
    own = clip.coordinates or (None,) * len(points)
    held = [
        min(m, n // 4) if around else min(m, n - 2) for m, n, around in zip(modes, points, clip.periodic, strict=True)
    ]
    return Geometry(
        (frames, *points),
        float(clip.dt),
        tuple(clip.dx),
        tuple(clip.periodic),
        tuple(None if points is None else tuple(points.tolist()) for points in own),
        tuple(held),
    )

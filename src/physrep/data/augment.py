"""Exact symmetries of a system as augmentations: shifts along periodic axes, and mirrors.

A mirror of axis ``a`` reverses the order of the points along ``a`` and changes the sign of every tensor component with
an odd number of indices ``a``: ``velocity_a``, ``D_ab``, but not ``D_aa``. Scalars keep their sign (a pseudo-scalar
such as vorticity would not, so do not use mirrors on one). Reversing the points reflects about the middle of the grid,
which on a periodic axis differs from the reflection about its first point by a shift, itself a symmetry.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import PhysrepError


@dataclass(frozen=True)
class Symmetries:
    """Which symmetries to draw from.

    Attributes:
        shift: shift every periodic axis by a random number of points.
        mirrors: names of the axes to mirror, each with probability 1/2; those that the equations allow
            (`physrep.systems.System.mirrors`).
    """

    shift: bool = False
    mirrors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draw:
    """One symmetry per sample: `shifts` in points and `mirrored`, both with shape ``(B, D)``; the shift comes first."""

    shifts: np.ndarray
    mirrored: np.ndarray


def draw(
    symmetries: Symmetries,
    generator: np.random.Generator,
    batch: int,
    axes: Sequence[str],
    shape: Sequence[int],
    periodic: Sequence[bool],
) -> Draw:
    """Draw a symmetry for each of ``batch`` samples on a grid.

    Raises:
        PhysrepError: a mirror names an axis that is not there, or shifts are wanted and no axis is periodic.
    """
    for axis in symmetries.mirrors:
        if axis not in axes:
            raise PhysrepError(f"mirrors names axis {axis!r}, but the axes are {list(axes)}.")
    if symmetries.shift and not any(periodic):
        raise PhysrepError("shift needs a periodic axis, but none is (a cropped axis is not); set shift to false.")
    shifts = np.zeros((batch, len(axes)), dtype=np.int64)
    mirrored = np.zeros((batch, len(axes)), dtype=bool)
    for i, axis in enumerate(axes):
        if symmetries.shift and periodic[i]:
            shifts[:, i] = generator.integers(shape[i], size=batch)
        if axis in symmetries.mirrors:
            mirrored[:, i] = generator.random(batch) < 0.5
    return Draw(shifts, mirrored)


def mirror_signs(components: Sequence[tuple[int, ...]], mirrored: Sequence[bool] | np.ndarray) -> np.ndarray:
    """Sign of every channel under the mirrors, float32 with shape ``(C,)``."""
    flips = [sum(bool(mirrored[axis]) for axis in component) for component in components]
    return np.where(np.array(flips) % 2 == 1, np.float32(-1), np.float32(1))


def copy_symmetric(
    source: np.ndarray,
    out: np.ndarray,
    shifts: Sequence[int] | np.ndarray,
    mirrored: Sequence[bool] | np.ndarray,
    components: Sequence[tuple[int, ...]],
) -> None:
    """Copy ``source`` to ``out``, both ``(C, T, *S)``, shifted and then mirrored.

    A shift is a few block copies: ``out[s:] = source[:n-s]`` and ``out[:s] = source[n-s:]`` along each axis.
    """
    target = out[(..., *(slice(None, None, -1) if flip else slice(None) for flip in mirrored))]
    parts = []
    for shift, n in zip(shifts, source.shape[2:], strict=True):
        shift = int(shift) % n
        whole = [(slice(shift, n), slice(0, n - shift))]
        parts.append([*whole, (slice(0, shift), slice(n - shift, n))] if shift else whole)
    for blocks in itertools.product(*parts):
        to, of = zip(*blocks, strict=True)
        target[(..., *to)] = source[(..., *of)]
    for channel in np.flatnonzero(mirror_signs(components, mirrored) < 0):
        np.negative(out[channel], out=out[channel])

"""Exact symmetries of a system as augmentations: shifts along periodic axes, mirrors, boosts, rescaled passive fields.

A mirror of axis ``a`` reverses the order of the points along ``a`` and changes the sign of every tensor component with
an odd number of indices ``a``: ``velocity_a``, ``D_ab``, but not ``D_aa``. Scalars keep their sign (a pseudo-scalar
such as vorticity would not, so do not use mirrors on one). Reversing the points reflects about the middle of the grid,
which on a periodic axis differs from the reflection about its first point by a shift, itself a symmetry.

A Galilean boost by ``n`` points per frame along a periodic axis shifts frame ``t`` by ``n t`` points and adds
``n dx / dt`` to the velocity along that axis, so that it needs no interpolation. A passive field s obeys a linear
equation without sources, so ``a s + b`` obeys it too.

A transposition exchanges the two axes and with them the indices of vectors and tensors: ``velocity_x(x, y)`` becomes
``velocity_y(y, x)``, ``D_xy`` becomes ``D_yx``. It needs a square grid. With mirrors it makes all rotations by 90
degrees.

Scales that change the parameters (of lengths, times, amplitudes of fields with a source) are symmetries of the family
of equations, not of one system: as views they would teach that the parameters do not matter. There are none here.

Source: for symmetries as views, Mialon et al., Self-supervised learning with Lie symmetries for partial differential
equations, 2023, https://arxiv.org/abs/2307.05432. Here only those that leave every parameter as it is.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import PhysrepError
from ..renamed import takes_former_names


@takes_former_names
@dataclass(frozen=True)
class Symmetries:
    """Which symmetries to draw from; those that the equations allow are attributes of `physrep.systems.System`.

    Attributes:
        shift: shift every periodic axis by a random number of points.
        flip: names of the axes to mirror, each with probability 1/2.
        boost: name of the velocity field for Galilean boosts of -1, 0 or 1 point per frame along every periodic axis;
            empty for none.
        rescale: names of passive fields to replace by ``a s + b``, with ``a`` of random sign and log-uniform in
            [1/2, 2], and ``b`` normal with the field's standard deviation.
        transpose: exchange the two axes with probability 1/2.
    """

    shift: bool = False
    flip: tuple[str, ...] = ()
    boost: str = ""
    rescale: tuple[str, ...] = ()
    transpose: bool = False


@dataclass(frozen=True)
class Draw:
    """One symmetry per sample, applied in this order: shift and boost, mirror, rescaling, transposition.

    Attributes:
        shifts: points, with shape ``(B, D)``.
        mirrored: with shape ``(B, D)``.
        boosts: points per frame, with shape ``(B, D)``.
        scale, offset: per channel, with shape ``(B, C)``; the offset is in the channel's unit.
        swapped: with shape ``(B,)``; None for no transpositions.
        partners: channel that each channel is exchanged with, with shape ``(C,)``.
    """

    shifts: np.ndarray
    mirrored: np.ndarray
    boosts: np.ndarray
    scale: np.ndarray
    offset: np.ndarray
    swapped: np.ndarray | None = None
    partners: np.ndarray | None = None


@dataclass(frozen=True)
class DataGrid:
    """What a draw must know of the data: names, shape, spacing and the scale of the channels."""

    axes: Sequence[str]
    shape: Sequence[int]
    periodic: Sequence[bool]
    dx: Sequence[float]
    dt: float
    channels: Sequence[str]
    components: Sequence[tuple[int, ...]]
    std: Sequence[float]


def draw(symmetries: Symmetries, generator: np.random.Generator, batch: int, grid: DataGrid) -> Draw:
    """Draw a symmetry for each of ``batch`` samples.

    Raises:
        PhysrepError: an axis or field is not there, or shifts or boosts are wanted and no axis is periodic.
    """
    for axis in symmetries.flip:
        if axis not in grid.axes:
            raise PhysrepError(f"flip names axis {axis!r}, but the axes are {list(grid.axes)}.")
    if (symmetries.shift or symmetries.boost) and not any(grid.periodic):
        wish = "shift" if symmetries.shift else "boost"
        raise PhysrepError(f"{wish} needs a periodic axis, but none is (a cropped axis is not); switch it off.")
    dimensions, channels = len(grid.axes), len(grid.channels)
    shifts = np.zeros((batch, dimensions), dtype=np.int64)
    boosts = np.zeros((batch, dimensions), dtype=np.int64)
    mirrored = np.zeros((batch, dimensions), dtype=bool)
    scale = np.ones((batch, channels), dtype=np.float32)
    offset = np.zeros((batch, channels), dtype=np.float32)
    for i, axis in enumerate(grid.axes):
        if symmetries.shift and grid.periodic[i]:
            shifts[:, i] = generator.integers(grid.shape[i], size=batch)
        if axis in symmetries.flip:
            mirrored[:, i] = generator.random(batch) < 0.5
        if symmetries.boost and grid.periodic[i]:
            boosts[:, i] = generator.integers(-1, 2, size=batch)
            row = _channel(f"{symmetries.boost}_{axis}", grid, "boost")
            # The mirror comes after the boost and turns the added velocity too, as it turns the motion of the frames.
            offset[:, row] += boosts[:, i] * np.float32(grid.dx[i] / grid.dt) * np.where(mirrored[:, i], -1, 1)
    for name in symmetries.rescale:
        row = _channel(name, grid, "rescale")
        factor = np.exp(generator.uniform(-np.log(2), np.log(2), size=batch))
        scale[:, row] = factor * np.where(generator.random(batch) < 0.5, -1, 1)
        offset[:, row] += generator.standard_normal(batch) * grid.std[row]
    if not symmetries.transpose:
        return Draw(shifts, mirrored, boosts, scale, offset)
    swapped = generator.random(batch) < 0.5
    return Draw(shifts, mirrored, boosts, scale, offset, swapped, partners(grid))


def partners(grid: DataGrid) -> np.ndarray:
    """For every channel the one that it becomes when the two axes are exchanged, with shape ``(C,)``.

    Raises:
        PhysrepError: the axes are not alike, or the partner of a component is not among the channels.
    """
    if (
        len(grid.axes) != 2
        or grid.shape[0] != grid.shape[1]
        or not np.isclose(grid.dx[0], grid.dx[1])
        or len(set(grid.periodic)) > 1
    ):
        raise PhysrepError(
            f"transpose exchanges two axes that are alike, but the grid is {'x'.join(map(str, grid.shape))} with the "
            f"spacings {list(grid.dx)}, periodic {list(grid.periodic)}; switch it off."
        )
    names = []
    for name, component in zip(grid.channels, grid.components, strict=True):
        stem = name[: len(name) - len(component)]
        names.append(stem + "".join(grid.axes[1 - axis] for axis in component))
    return np.array([_channel(name, grid, "transpose") for name in names])


def _channel(name: str, grid: DataGrid, wish: str) -> int:
    if name not in grid.channels:
        raise PhysrepError(f"{wish} needs the channel {name!r}, but the data have {', '.join(grid.channels)}.")
    return list(grid.channels).index(name)


def mirror_signs(components: Sequence[tuple[int, ...]], mirrored: Sequence[bool] | np.ndarray) -> np.ndarray:
    """Sign of every channel under the mirrors, float32 with shape ``(C,)``."""
    flips = [sum(bool(mirrored[axis]) for axis in component) for component in components]
    return np.where(np.array(flips) % 2 == 1, np.float32(-1), np.float32(1))


def copy_symmetric(
    source: np.ndarray, out: np.ndarray, drawn: Draw, sample: int, components: Sequence[tuple[int, ...]]
) -> None:
    """Copy ``source`` to ``out``, both ``(C, T, *S)``, transformed by one sample of a draw."""
    shifts, boosts, mirrored = drawn.shifts[sample], drawn.boosts[sample], drawn.mirrored[sample]
    target = out[(..., *(slice(None, None, -1) if flip else slice(None) for flip in mirrored))]
    if boosts.any():
        for frame in range(source.shape[1]):
            _copy_shifted(source[:, frame], target[:, frame], shifts + frame * boosts)
    else:
        _copy_shifted(source, target, shifts)
    scale = mirror_signs(components, mirrored) * drawn.scale[sample]
    for channel in np.flatnonzero(scale != 1):
        np.multiply(out[channel], scale[channel], out=out[channel])
    for channel in np.flatnonzero(drawn.offset[sample]):
        np.add(out[channel], drawn.offset[sample, channel], out=out[channel])
    if drawn.swapped is not None and drawn.swapped[sample]:
        out[...] = out[drawn.partners].swapaxes(-1, -2)


def _copy_shifted(source: np.ndarray, target: np.ndarray, shifts: np.ndarray) -> None:
    """A shift of the last axes in a few block copies: ``out[s:] = in[:n-s]`` and ``out[:s] = in[n-s:]`` along each."""
    parts = []
    for shift, n in zip(shifts, source.shape[source.ndim - len(shifts) :], strict=True):
        shift = int(shift) % n
        whole = [(slice(shift, n), slice(0, n - shift))]
        parts.append([*whole, (slice(0, shift), slice(n - shift, n))] if shift else whole)
    for blocks in itertools.product(*parts):
        to, of = zip(*blocks, strict=True)
        target[(..., *to)] = source[(..., *of)]

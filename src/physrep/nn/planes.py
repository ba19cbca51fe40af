"""Edges of points in a plane ``(B, C, H, W)`` or in space: each axis is either periodic or ends at walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError

Wall = Literal["replicate", "reflect"]


def pad_plane(x: Tensor, width: int, periodic: Sequence[bool], wall: Wall = "replicate") -> Tensor:
    """Pad every axis of space by ``width`` points on both sides: around periodic axes, by ``wall`` at others.

    Args:
        x: tensor with shape ``(B, C, H, W)`` or ``(B, C, X, Y, Z)``.
        width: number of points, at most the size of the axis (one less for ``"reflect"``).
        periodic: for each axis.
        wall: ``"replicate"`` the edge value or ``"reflect"`` without repeating it.
    """
    modes = ["circular" if axis else wall for axis in periodic]
    axes = len(modes)
    if len(set(modes)) == 1:
        return F.pad(x, (width,) * (2 * axes), mode=modes[0])
    for axis, mode in enumerate(modes):
        pad = [0] * (2 * axes)
        pad[2 * (axes - 1 - axis)] = pad[2 * (axes - 1 - axis) + 1] = width
        x = F.pad(x, pad, mode=mode)
    return x


def wall_masks(size: Sequence[int], periodic: Sequence[bool], like: Tensor) -> Tensor:
    """A mask per axis, ``(axes, *size)``: 1 on the first and last points of an axis that has walls, else 0."""
    masks = torch.zeros(len(size), *size, dtype=like.dtype, device=like.device)
    for axis, around in enumerate(periodic):
        if not around:
            masks[axis].movedim(axis, 0)[[0, -1]] = 1
    return masks


def check_periodic(periodic: Sequence[bool]) -> tuple[bool, bool]:
    """The periodicity of two spatial axes.

    Raises:
        PhysrepError: another number of axes.
    """
    if len(periodic) != 2:
        raise PhysrepError(f"operators work on two spatial axes, the data have {len(periodic)}; use 2D data.")
    return bool(periodic[0]), bool(periodic[1])

"""Edges of a plane of points ``(B, C, H, W)``: each axis is either periodic or ends at walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError

Wall = Literal["replicate", "reflect"]


def pad_plane(x: Tensor, width: int, periodic: Sequence[bool], wall: Wall = "replicate") -> Tensor:
    """Pad H and W by ``width`` points on both sides: around periodic axes, by ``wall`` at others.

    Args:
        x: tensor with shape ``(B, C, H, W)``.
        width: number of points, at most the size of the axis (one less for ``"reflect"``).
        periodic: for H and W.
        wall: ``"replicate"`` the edge value or ``"reflect"`` without repeating it.
    """
    modes = ["circular" if axis else wall for axis in periodic]
    if modes[0] == modes[1]:
        return F.pad(x, (width,) * 4, mode=modes[0])
    x = F.pad(x, (0, 0, width, width), mode=modes[0])
    return F.pad(x, (width, width, 0, 0), mode=modes[1])


def wall_masks(size: tuple[int, int], periodic: Sequence[bool], like: Tensor) -> Tensor:
    """Two planes with shape ``(2, H, W)``: 1 on the first and last row (column) if H (W) has walls, else 0."""
    masks = torch.zeros(2, *size, dtype=like.dtype, device=like.device)
    if not periodic[0]:
        masks[0, [0, -1]] = 1
    if not periodic[1]:
        masks[1, :, [0, -1]] = 1
    return masks


def check_periodic(periodic: Sequence[bool]) -> tuple[bool, bool]:
    """The periodicity of two spatial axes.

    Raises:
        PhysrepError: another number of axes.
    """
    if len(periodic) != 2:
        raise PhysrepError(f"operators work on two spatial axes, the data have {len(periodic)}; use 2D data.")
    return bool(periodic[0]), bool(periodic[1])

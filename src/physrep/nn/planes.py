"""Edges of points in a plane ``(B, C, H, W)`` or in space: each axis is either periodic or ends at walls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

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
    if all(periodic) and width <= min(x.shape[2:]):
        return _Around.apply(x, width)
    modes = ["circular" if axis else wall for axis in periodic]
    axes = len(modes)
    if len(set(modes)) == 1:
        return F.pad(x, (width,) * (2 * axes), mode=modes[0])
    for axis, mode in enumerate(modes):
        pad = [0] * (2 * axes)
        pad[2 * (axes - 1 - axis)] = pad[2 * (axes - 1 - axis) + 1] = width
        x = F.pad(x, pad, mode=mode)
    return x


class _Around(torch.autograd.Function):
    """Points around all axes of space. The library's circular padding has a backward pass of dozens of small operators
    per plane, more than the convolutions behind it take."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, width: int) -> Tensor:
        ctx.width = width
        y = x.new_empty(*x.shape[:2], *(n + 2 * width for n in x.shape[2:]))
        inner = y
        for axis in range(2, x.dim()):
            inner = inner.narrow(axis, width, x.shape[axis])
        inner.copy_(x)
        for axis in reversed(range(2, x.dim())):
            # Of the axes before this one the inner points alone are there yet.
            part = y
            for before in range(2, axis):
                part = part.narrow(before, width, x.shape[before])
            part.narrow(axis, 0, width).copy_(part.narrow(axis, x.shape[axis], width))
            part.narrow(axis, width + x.shape[axis], width).copy_(part.narrow(axis, width, width))
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        gradient, width = gradients[0], ctx.width
        for axis in range(2, gradient.dim()):
            points = gradient.shape[axis] - 2 * width
            inner = gradient.narrow(axis, width, points).clone(memory_format=torch.contiguous_format)
            inner.narrow(axis, points - width, width).add_(gradient.narrow(axis, 0, width))
            inner.narrow(axis, 0, width).add_(gradient.narrow(axis, points + width, width))
            gradient = inner
        return gradient, None


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

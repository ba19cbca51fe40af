"""Padding of fields at the edges of their domain: around a periodic axis, or by the edge value at a wall.

Works on ``(B, T, H, W, D)``, or ``(B, T, X, Y, Z, D)``, in that memory order and writes the result once; the
library's circular padding would return to the channels-first order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

Edge = Literal["circular", "replicate", "zeros"]


def pad_edges(x: Tensor, widths: Sequence[tuple[int, int]], edges: Sequence[Edge]) -> Tensor:
    """Pad time and the axes of space.

    Args:
        x: tensor with shape ``(B, T, *S, D)``, S the points of two or three axes of space; any strides.
        widths: points before and after, for T and every axis of space.
        edges: per axis ``"circular"`` (the other end), ``"replicate"`` (the edge value) or
            ``"zeros"``.

    Returns:
        Contiguous tensor with the sizes enlarged by the widths.
    """
    return _PadEdges.apply(x, tuple(widths), tuple(edges))


class _PadEdges(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, widths: tuple[tuple[int, int], ...], edges: tuple[Edge, ...]) -> Tensor:
        sizes = x.shape[1:-1]
        ctx.widths, ctx.edges, ctx.sizes = widths, edges, sizes
        padded = [n + before + after for n, (before, after) in zip(sizes, widths, strict=True)]
        y = x.new_empty(x.shape[0], *padded, x.shape[-1])
        _interior(y, widths, sizes).copy_(x)
        # One axis after the other, each over the full extent of those done before: corners follow.
        for axis, edge in enumerate(edges):
            planes = _interior(y, widths, sizes, skip=range(axis + 1)).movedim(axis + 1, 0)
            for outside, source in _sources(sizes[axis], widths[axis], edge):
                planes[outside] = 0 if source is None else planes[source]
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # pyright: ignore[reportIncompatibleMethodOverride]
        gradient = gradient.clone()
        for axis in reversed(range(len(ctx.sizes))):
            planes = _interior(gradient, ctx.widths, ctx.sizes, skip=range(axis + 1)).movedim(axis + 1, 0)
            for outside, source in _sources(ctx.sizes[axis], ctx.widths[axis], ctx.edges[axis]):
                if source is not None:
                    planes[source] += planes[outside]
        return _interior(gradient, ctx.widths, ctx.sizes), None, None


def _sources(n: int, width: tuple[int, int], edge: Edge) -> list[tuple[int, int | None]]:
    """For every padding plane of an axis with n points, the inner plane that it repeats (None: zeros)."""
    before, after = width
    outside = [*range(before), *range(before + n, before + n + after)]
    if edge == "circular":
        return [(i, before + (i - before) % n) for i in outside]
    if edge == "replicate":
        return [(i, min(max(i, before), before + n - 1)) for i in outside]
    return [(i, None) for i in outside]


def _interior(y: Tensor, widths: Sequence[tuple[int, int]], sizes: Sequence[int], skip: Sequence[int] = ()) -> Tensor:
    """View of the unpadded part along T and space; the padded extent is kept along the axes in ``skip``."""
    for axis in range(len(sizes)):
        if axis not in skip:
            y = y.narrow(axis + 1, widths[axis][0], sizes[axis])
    return y

"""Stacks of strided convolutions of 3 points along every axis: the cheapest encoders that see local nonlinear features.

Every stage is a convolution, a group norm over each clip, and a GELU; a linear map ends the stack. Sizes are divided by
the strides and rounded up. On periodic axes the padding is circular, so that shifting a clip by a whole number of
tokens shifts the tokens, nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .checks import check_clips, edges, extents
from .padding import Edge, pad_edges


def width(n: int, stride: int) -> tuple[int, int]:
    """Points before and after an axis of n for ``ceil(n / stride)`` results of a kernel of 3."""
    return 1, max((-(-n // stride) - 1) * stride + 2 - n, 0)


class ConvStage(nn.Module):
    """Convolution of 3 points per axis with stride, group norm, GELU, on ``(B, T, X, D)`` or ``(B, T, H, W, D)``."""

    def __init__(self, in_dim: int, dim: int, stride: Sequence[int], groups: int, around: Sequence[Edge]) -> None:
        super().__init__()
        self.stride = tuple(stride)
        self.edges: tuple[Edge, ...] = ("replicate", *around)
        self.flat = len(around) == 1
        self.conv = (nn.Conv2d if self.flat else nn.Conv3d)(in_dim, dim, 3, self.stride)  # pyright: ignore[reportArgumentType]
        self.norm = nn.GroupNorm(groups, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with shape ``(B, ceil(T / s_t), ceil(H / s_h), ceil(W / s_w), dim)``, or without H."""
        x = pad_edges(x, list(map(width, x.shape[1:-1], self.stride)), self.edges).movedim(-1, 1)
        layout = torch.channels_last if self.flat else torch.channels_last_3d
        weight = self.conv.weight.contiguous(memory_format=layout)
        x = self.norm((F.conv2d if self.flat else F.conv3d)(x, weight, self.conv.bias, self.stride))
        # In channels-first view of channels-last memory the library's GELU is ten times slower.
        return F.gelu(x.movedim(1, -1).contiguous())


class ConvStack(nn.Module):
    """Encoder from ``(B, C, T, *S)`` to ``(B, N, D)`` by strided convolutions.

    Args:
        in_channels: number of field components C.
        dims: channels after each stage; the last is also the token dimension D.
        strides: stride of each stage, along time and every axis of space.
        groups: groups of the group norms; divides every entry of ``dims``.
        periodic: whether the spatial axes are periodic, for all or per axis; others and time repeat the edge value.

    Attributes:
        key: name in `physrep.nn.ENCODERS`, for messages.
        space_axes: number of axes of space.
        stage: class of the stages.

    Raises:
        PhysrepError: dims and strides of different number, a stride above 3, or groups that do not divide the dims.
    """

    key: str
    space_axes: int
    stage: Callable[..., nn.Module] = ConvStage

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int],
        strides: Sequence[Sequence[int]],
        groups: int = 8,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__()
        if len(dims) != len(strides) or not dims:
            raise PhysrepError(f"{self.key}: {len(dims)} dims and {len(strides)} strides; give one of each per stage.")
        self.strides = [extents(stride, 1 + self.space_axes, f"{self.key}: a stride") for stride in strides]
        if max(map(max, self.strides)) > 3:
            raise PhysrepError(f"{self.key}: a stride above 3 skips points of the kernel; use more stages instead.")
        if any(dim % groups for dim in dims):
            raise PhysrepError(f"{self.key}: groups {groups} does not divide all dims {list(dims)}; choose a divisor.")
        self.in_channels, self.embed_dim = in_channels, dims[-1]
        around, widths = edges(periodic, self.space_axes), [in_channels, *dims]
        self.stages = nn.Sequential(
            *(self.stage(widths[i], widths[i + 1], stride, groups, around) for i, stride in enumerate(self.strides))
        )
        self.head = nn.Linear(dims[-1], dims[-1])

    def token_grid(self, *sizes: int) -> tuple[int, ...]:
        """Token grid of a window of this size, along time and every axis of space."""
        for stride in self.strides:
            sizes = tuple(-(-n // s) for n, s in zip(sizes, stride, strict=True))
        return sizes

    def forward(self, x: Tensor) -> Tensor:
        """Tokens with shape ``(B, N, D)``, row-major, of clips with shape ``(B, C, T, *S)``."""
        check_clips(x, self.in_channels, self.key, axes=self.space_axes)
        return self.head(self.stages(x.movedim(1, -1)).flatten(1, -2))


class ConvStack2D(ConvStack):
    """`ConvStack` for fields on one axis of space, ``(B, C, T, X)``.

    With the defaults 8 frames of 128 points become 1x16 = 16 tokens.
    """

    key, space_axes = "conv2d", 1

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int] = (32, 64, 128),
        strides: Sequence[Sequence[int]] = ((2, 2), (2, 2), (2, 2)),
        groups: int = 8,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__(in_channels, dims, strides, groups, periodic)

    def grid(self, frames: int, x: int) -> tuple[int, ...]:
        """Token grid (t, x) of a window of this size."""
        return self.token_grid(frames, x)


class ConvStack3D(ConvStack):
    """`ConvStack` for fields on two axes of space, ``(B, C, T, H, W)``.

    With the defaults 16 frames of 64x64 become 2x4x4 = 32 tokens.
    """

    key, space_axes = "conv3d", 2

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int] = (32, 64, 128, 128),
        strides: Sequence[Sequence[int]] = ((2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2)),
        groups: int = 8,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__(in_channels, dims, strides, groups, periodic)

    def grid(self, frames: int, height: int, width: int) -> tuple[int, ...]:
        """Token grid (t, h, w) of a window of this size."""
        return self.token_grid(frames, height, width)

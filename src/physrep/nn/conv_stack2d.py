"""`ConvStack3D` for fields on one axis of space: strided 3x3 convolutions over (t, x).

Sizes are divided by the strides and rounded up. On a periodic axis the padding is circular, so that shifting a clip by
a whole number of tokens shifts the tokens, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .checks import check_clips, edges, pair
from .padding import Edge, pad_edges


class ConvStage2D(nn.Module):
    """Convolution 3x3 with stride, group norm, GELU, on ``(B, T, X, D)``."""

    def __init__(self, in_dim: int, dim: int, stride: tuple[int, int], groups: int, around: Edge) -> None:
        super().__init__()
        self.stride = stride
        self.edges: tuple[Edge, Edge] = ("replicate", around)
        self.conv = nn.Conv2d(in_dim, dim, 3, stride)
        self.norm = nn.GroupNorm(groups, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with shape ``(B, ceil(T / s_t), ceil(X / s_x), dim)``."""
        widths = [(1, max((-(-n // s) - 1) * s + 2 - n, 0)) for n, s in zip(x.shape[1:3], self.stride, strict=True)]
        x = pad_edges(x, widths, self.edges).permute(0, 3, 1, 2)
        weight = self.conv.weight.contiguous(memory_format=torch.channels_last)
        x = self.norm(F.conv2d(x, weight, self.conv.bias, self.stride))
        # In channels-first view of channels-last memory the library's GELU is ten times slower.
        return F.gelu(x.permute(0, 2, 3, 1).contiguous())


class ConvStack2D(nn.Module):
    """Encoder from ``(B, C, T, X)`` to ``(B, N, D)`` by strided convolutions.

    With the defaults 8 frames of 128 points become 1x16 = 16 tokens.

    Args:
        in_channels: number of field components C.
        dims: channels after each stage; the last is also the token dimension D.
        strides: stride (t, x) of each stage.
        groups: groups of the group norms; divides every entry of ``dims``.
        periodic: whether the axis is periodic; else it, and time always, repeat the edge value.

    Raises:
        PhysrepError: dims and strides of different number, a stride above 3, or groups that do not divide the dims.
    """

    space_axes = 1

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int] = (32, 64, 128),
        strides: Sequence[Sequence[int]] = ((2, 2), (2, 2), (2, 2)),
        groups: int = 8,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__()
        if len(dims) != len(strides) or not dims:
            raise PhysrepError(f"conv2d: {len(dims)} dims and {len(strides)} strides; give one of each per stage.")
        self.strides = [pair(stride, "conv2d: a stride") for stride in strides]
        if max(map(max, self.strides)) > 3:
            raise PhysrepError("conv2d: a stride above 3 skips points of the kernel; use more stages instead.")
        if any(dim % groups for dim in dims):
            raise PhysrepError(f"conv2d: groups {groups} does not divide all dims {list(dims)}; choose a divisor.")
        self.in_channels, self.embed_dim = in_channels, dims[-1]
        (around,), widths = edges(periodic, 1), [in_channels, *dims]
        self.stages = nn.Sequential(
            *(ConvStage2D(widths[i], widths[i + 1], stride, groups, around) for i, stride in enumerate(self.strides))
        )
        self.head = nn.Linear(dims[-1], dims[-1])

    def grid(self, frames: int, x: int) -> tuple[int, int]:
        """Token grid (t, x) of a clip of this size.

        Args:
            frames, x: size of a window of fields.
        """
        for stride in self.strides:
            frames, x = -(-frames // stride[0]), -(-x // stride[1])
        return frames, x

    def forward(self, x: Tensor) -> Tensor:
        """Tokens with shape ``(B, t x, D)``, row-major, of clips with shape ``(B, C, T, X)``."""
        check_clips(x, self.in_channels, "conv2d", axes=1)
        return self.head(self.stages(x.permute(0, 2, 3, 1)).flatten(1, 2))

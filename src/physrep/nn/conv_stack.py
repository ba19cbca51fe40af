"""A stack of strided 3x3x3 convolutions: the cheapest encoder that sees local nonlinear features early.

Every stage is a convolution, a group norm over each clip, and a GELU; a linear map ends the stack. Sizes are divided by
the strides and rounded up. On periodic axes the padding is circular, so that shifting a clip by a whole number of
tokens shifts the tokens, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .checks import check_clips, spatial_edges, triple
from .padding import Edge, pad_edges


class ConvStage(nn.Module):
    """Convolution 3x3x3 with stride, group norm, GELU, on ``(B, T, H, W, D)``."""

    def __init__(
        self, in_dim: int, dim: int, stride: tuple[int, int, int], groups: int, edges: tuple[Edge, Edge, Edge]
    ) -> None:
        super().__init__()
        self.stride, self.edges = stride, edges
        self.conv = nn.Conv3d(in_dim, dim, 3, stride)
        self.norm = nn.GroupNorm(groups, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with shape ``(B, ceil(T / s_t), ceil(H / s_h), ceil(W / s_w), dim)``."""
        widths = [(1, (-(-n // s) - 1) * s + 2 - n) for n, s in zip(x.shape[1:4], self.stride, strict=True)]
        widths = [(before, max(after, 0)) for before, after in widths]
        x = pad_edges(x, widths, self.edges).permute(0, 4, 1, 2, 3)
        weight = self.conv.weight.contiguous(memory_format=torch.channels_last_3d)
        x = self.norm(F.conv3d(x, weight, self.conv.bias, self.stride))
        # In channels-first view of channels-last memory the library's GELU is ten times slower.
        return F.gelu(x.permute(0, 2, 3, 4, 1).contiguous())


class ConvStack3D(nn.Module):
    """Encoder from ``(B, C, T, H, W)`` to ``(B, N, D)`` by strided convolutions.

    With the defaults 16 frames of 64x64 become 2x4x4 = 32 tokens.

    Args:
        in_channels: number of field components C.
        dims: channels after each stage; the last is also the token dimension D.
        strides: stride (t, h, w) of each stage.
        groups: groups of the group norms; divides every entry of ``dims``.
        periodic: whether the spatial axes are periodic, for both or per axis; others and time repeat the edge value.
    """

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int] = (32, 64, 128, 128),
        strides: Sequence[Sequence[int]] = ((2, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2)),
        groups: int = 8,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__()
        if len(dims) != len(strides) or not dims:
            raise PhysrepError(f"conv3d: {len(dims)} dims and {len(strides)} strides; give one of each per stage.")
        if max(max(s) for s in strides) > 3:
            raise PhysrepError("conv3d: a stride above 3 skips points of the 3x3x3 kernel; use more stages instead.")
        if any(dim % groups for dim in dims):
            raise PhysrepError(f"conv3d: groups {groups} does not divide all dims {list(dims)}; choose a divisor.")
        self.in_channels, self.embed_dim = in_channels, dims[-1]
        self.strides = [triple(stride, "conv3d: a stride") for stride in strides]
        first, second = spatial_edges(periodic)
        widths = [in_channels, *dims]
        self.stages = nn.Sequential(
            *(
                ConvStage(widths[i], widths[i + 1], stride, groups, ("replicate", first, second))
                for i, stride in enumerate(self.strides)
            )
        )
        self.head = nn.Linear(dims[-1], dims[-1])

    def grid(self, frames: int, height: int, width: int) -> tuple[int, int, int]:
        """Token grid (t, h, w) of a clip of this size.

        Args:
            frames, height, width: size of a window of fields.
        """
        t, h, w = frames, height, width
        for stride in self.strides:
            t, h, w = (-(-n // s) for n, s in zip((t, h, w), stride, strict=True))
        return t, h, w

    def forward(self, x: Tensor) -> Tensor:
        """Tokens with shape ``(B, t h w, D)``, row-major, of clips with shape ``(B, C, T, H, W)``."""
        check_clips(x, self.in_channels, "conv3d")
        return self.head(self.stages(x.permute(0, 2, 3, 4, 1)).flatten(1, 3))

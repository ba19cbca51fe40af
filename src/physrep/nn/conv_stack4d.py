"""`ConvStack` for fields on three axes of space: strided convolutions over (x, y, z), then over time, in every stage.

    h = GELU(K_space * x),    y = GELU(norm(K_time * h))

with 3x3x3 kernels over space in every frame and kernels of 3 frames at every point: a 3x3x3x3 kernel in two factors, as
the library has no convolution on four axes. Strides round sizes up; on periodic axes the padding is circular, so that
shifting a clip by a whole number of tokens shifts the tokens, nothing else.

Source: the factors are those of "A Closer Look at Spatiotemporal Convolutions for Action Recognition", Tran et al.,
2018, https://arxiv.org/abs/1711.11248, with one axis of space more.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .conv_stack import ConvStack, width
from .padding import Edge, pad_edges


class ConvStage4D(nn.Module):
    """Convolutions 3x3x3 in space and 3 in time, with strides, on ``(B, T, X, Y, Z, D)``."""

    def __init__(
        self, in_dim: int, dim: int, stride: tuple[int, int, int, int], groups: int, around: tuple[Edge, ...]
    ) -> None:
        super().__init__()
        self.stride, self.around = stride, around
        self.space = nn.Conv3d(in_dim, dim, 3, stride[1:])
        self.time = nn.Conv2d(dim, dim, (3, 1), (stride[0], 1))
        self.norm = nn.GroupNorm(groups, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with shape ``(B, ceil(T / s_t), ceil(X / s_x), ceil(Y / s_y), ceil(Z / s_z), dim)``."""
        batch, frames = x.shape[:2]
        x = pad_edges(x, [(0, 0), *map(width, x.shape[2:5], self.stride[1:])], ("replicate", *self.around))
        weight = self.space.weight.contiguous(memory_format=torch.channels_last_3d)
        y = F.conv3d(x.flatten(0, 1).permute(0, 4, 1, 2, 3), weight, self.space.bias, self.space.stride)
        # Channels last from here on: in channels-first view of such memory the library's GELU is ten times slower.
        y = F.gelu(y.permute(0, 2, 3, 4, 1).contiguous()).unflatten(0, (batch, frames))
        points = y.shape[2:5]
        y = pad_edges(y.flatten(2, 4).unsqueeze(2), [width(frames, self.stride[0]), (0, 0), (0, 0)],
                      ("replicate",) * 3).squeeze(2)  # fmt: skip
        weight = self.time.weight.contiguous(memory_format=torch.channels_last)
        y = self.norm(F.conv2d(y.permute(0, 3, 1, 2), weight, self.time.bias, self.time.stride))
        return F.gelu(y.permute(0, 2, 3, 1).contiguous()).unflatten(2, points)


class ConvStack4D(ConvStack):
    """`ConvStack` for fields on three axes of space, ``(B, C, T, X, Y, Z)``, in space and time by turns.

    With the defaults 8 frames of 24x24x24 become 2x3x3x3 = 54 tokens.
    """

    key, space_axes, stage = "conv4d", 3, ConvStage4D

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int] = (32, 64, 128),
        strides: Sequence[Sequence[int]] = ((1, 2, 2, 2), (2, 2, 2, 2), (2, 2, 2, 2)),
        groups: int = 8,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__(in_channels, dims, strides, groups, periodic)

    def grid(self, frames: int, x: int, y: int, z: int) -> tuple[int, ...]:
        """Token grid (t, x, y, z) of a window of this size."""
        return self.token_grid(frames, x, y, z)

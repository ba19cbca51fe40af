"""`ConvStack3D` for fields on three axes of space: strided convolutions over (x, y, z), then over time, in every stage.

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

from ..errors import PhysrepError
from .checks import check_clips, edges, quadruple
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
        x = pad_edges(x, [(0, 0), *map(_width, x.shape[2:5], self.stride[1:])], ("replicate", *self.around))
        weight = self.space.weight.contiguous(memory_format=torch.channels_last_3d)
        y = F.conv3d(x.flatten(0, 1).permute(0, 4, 1, 2, 3), weight, self.space.bias, self.space.stride)
        # Channels last from here on: in channels-first view of such memory the library's GELU is ten times slower.
        y = F.gelu(y.permute(0, 2, 3, 4, 1).contiguous()).unflatten(0, (batch, frames))
        points = y.shape[2:5]
        y = pad_edges(y.flatten(2, 4).unsqueeze(2), [_width(frames, self.stride[0]), (0, 0), (0, 0)],
                      ("replicate",) * 3).squeeze(2)  # fmt: skip
        weight = self.time.weight.contiguous(memory_format=torch.channels_last)
        y = self.norm(F.conv2d(y.permute(0, 3, 1, 2), weight, self.time.bias, self.time.stride))
        return F.gelu(y.permute(0, 2, 3, 1).contiguous()).unflatten(2, points)


def _width(n: int, stride: int) -> tuple[int, int]:
    """Points before and after an axis of n for ``ceil(n / stride)`` results of a kernel of 3."""
    return 1, max((-(-n // stride) - 1) * stride + 2 - n, 0)


class ConvStack4D(nn.Module):
    """Encoder from ``(B, C, T, X, Y, Z)`` to ``(B, N, D)`` by strided convolutions in space and time.

    With the defaults 8 frames of 24x24x24 become 2x3x3x3 = 54 tokens.

    Args:
        in_channels: number of field components C.
        dims: channels after each stage; the last is also the token dimension D.
        strides: stride (t, x, y, z) of each stage.
        groups: groups of the group norms; divides every entry of ``dims``.
        periodic: whether the spatial axes are periodic, for all or per axis; others and time repeat the edge value.

    Raises:
        PhysrepError: dims and strides of different number, a stride above 3, or groups that do not divide the dims.
    """

    space_axes = 3

    def __init__(
        self,
        in_channels: int,
        dims: Sequence[int] = (32, 64, 128),
        strides: Sequence[Sequence[int]] = ((1, 2, 2, 2), (2, 2, 2, 2), (2, 2, 2, 2)),
        groups: int = 8,
        periodic: bool | Sequence[bool] = True,
    ) -> None:
        super().__init__()
        if len(dims) != len(strides) or not dims:
            raise PhysrepError(f"conv4d: {len(dims)} dims and {len(strides)} strides; give one of each per stage.")
        self.strides = [quadruple(stride, "conv4d: a stride") for stride in strides]
        if max(map(max, self.strides)) > 3:
            raise PhysrepError("conv4d: a stride above 3 skips points of the kernel; use more stages instead.")
        if any(dim % groups for dim in dims):
            raise PhysrepError(f"conv4d: groups {groups} does not divide all dims {list(dims)}; choose a divisor.")
        self.in_channels, self.embed_dim = in_channels, dims[-1]
        around, widths = edges(periodic, 3), [in_channels, *dims]
        self.stages = nn.Sequential(
            *(ConvStage4D(widths[i], widths[i + 1], stride, groups, around) for i, stride in enumerate(self.strides))
        )
        self.head = nn.Linear(dims[-1], dims[-1])

    def grid(self, frames: int, x: int, y: int, z: int) -> tuple[int, int, int, int]:
        """Token grid (t, x, y, z) of a clip of this size.

        Args:
            frames, x, y, z: size of a window of fields.
        """
        sizes = (frames, x, y, z)
        for stride in self.strides:
            sizes = tuple(-(-n // s) for n, s in zip(sizes, stride, strict=True))
        return sizes  # pyright: ignore[reportReturnType]

    def forward(self, x: Tensor) -> Tensor:
        """Tokens with shape ``(B, N, D)``, row-major, of clips with shape ``(B, C, T, X, Y, Z)``."""
        check_clips(x, self.in_channels, "conv4d", axes=3)
        return self.head(self.stages(x.permute(0, 2, 3, 4, 5, 1)).flatten(1, 4))

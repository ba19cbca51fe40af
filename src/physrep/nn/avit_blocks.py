"""The blocks of the axial vision transformer: attention over time, then along both axes of space (see `avit`)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .relative_bias import RelativePositionBias


class RMSInstanceNorm(nn.Module):
    """``x / (std_HW x + 1e-8) w`` on ``(N, D, H, W)``: the mean is not subtracted, the deviation is about it."""

    bias: Tensor

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        # Of the released weights, where nothing uses it.
        self.register_buffer("bias", torch.zeros(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        # Two passes by hand: the library's running variance is several times slower.
        y = x.float()
        squares = (y - y.mean((2, 3), keepdim=True)).square().sum((2, 3), keepdim=True)
        std = (squares / (x.shape[2] * x.shape[3] - 1)).sqrt() + 1e-8
        return x * (self.weight.view(1, -1, 1, 1) / std).to(x.dtype)


def pointwise(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """A 1x1 convolution of ``(N, D, H, W)`` as a matrix product, with the channels last: ``(N, H, W, E)``."""
    return F.linear(x.permute(0, 2, 3, 1), convolution.weight.flatten(1), convolution.bias)


class MLP(nn.Module):
    """Two linear maps on the channels of ``(N, D, H, W)`` with a GELU between them."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor of the same shape."""
        return self.fc2(F.gelu(self.fc1(x.permute(0, 2, 3, 1)))).permute(0, 3, 1, 2)


class AxialHeads(nn.Module):
    """What both kinds of attention share: queries, keys, values with norms, a distance bias, an output map."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.input_head = nn.Conv2d(dim, 3 * dim, 1)
        self.output_head = nn.Conv2d(dim, dim, 1)
        self.qnorm, self.knorm = nn.LayerNorm(dim // num_heads), nn.LayerNorm(dim // num_heads)
        self.rel_pos_bias = RelativePositionBias(num_heads)

    def heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys, values with shape ``(N, h, w, heads, D / heads)`` of ``(N, D, h, w)``.

        The channels of a head lie together as [q | k | v], as released.
        """
        qkv = pointwise(x, self.input_head).unflatten(3, (self.num_heads, -1))
        q, k, v = qkv.chunk(3, dim=4)
        return self.qnorm(q), self.knorm(k), v


class TimeAttention(AxialHeads):
    """Attention of every token with those of the same place at all times of the window; no causal mask."""

    def __init__(self, dim: int, num_heads: int, layer_scale: float) -> None:
        super().__init__(dim, num_heads)
        self.norm1, self.norm2 = nn.InstanceNorm2d(dim, affine=True), nn.InstanceNorm2d(dim, affine=True)
        self.gamma = nn.Parameter(torch.full((dim,), layer_scale))

    def forward(self, x: Tensor) -> Tensor:
        """The change of tokens with shape ``(B, T, D, h, w)``."""
        batch, frames, _, h, w = x.shape
        parts = self.heads(self.norm1(x.flatten(0, 1)))
        # (B T, h, w, heads, d) -> (B h w, heads, T, d)
        q, k, v = (p.unflatten(0, (batch, frames)).permute(0, 2, 3, 4, 1, 5).flatten(0, 2) for p in parts)
        bias = self.rel_pos_bias(frames).to(q.dtype)
        y = F.scaled_dot_product_attention(q, k.to(q.dtype), v.to(q.dtype), attn_mask=bias)
        y = y.unflatten(0, (batch, h, w)).permute(0, 4, 3, 5, 1, 2).flatten(2, 3).flatten(0, 1)
        y = pointwise(self.norm2(y), self.output_head) * self.gamma
        return y.permute(0, 3, 1, 2).unflatten(0, (batch, frames))


class SpaceAttention(AxialHeads):
    """Attention along W and along H with the same queries, keys and values, averaged."""

    def __init__(self, dim: int, num_heads: int, layer_scale: float) -> None:
        super().__init__(dim, num_heads)
        self.norm1, self.norm2, self.mlp_norm = (RMSInstanceNorm(dim) for _ in range(3))
        self.gamma_att, self.gamma_mlp = (nn.Parameter(torch.full((dim,), layer_scale)) for _ in range(2))
        self.mlp = MLP(dim)

    def attention(self, x: Tensor, periodic: Sequence[bool]) -> Tensor:
        """The change by attention of frames with shape ``(N, D, h, w)``; ``periodic`` for H and W."""
        q, k, v = (p.permute(0, 3, 1, 2, 4) for p in self.heads(self.norm1(x)))
        k, v = k.to(q.dtype), v.to(q.dtype)
        along_w = _along(q, k, v, self.rel_pos_bias(q.shape[3], periodic[1]))
        q, k, v = (p.transpose(2, 3) for p in (q, k, v))
        along_h = _along(q, k, v, self.rel_pos_bias(q.shape[3], periodic[0])).transpose(2, 3)
        y = ((along_w + along_h) / 2).permute(0, 1, 4, 2, 3).flatten(1, 2)
        return (pointwise(self.norm2(y), self.output_head) * self.gamma_att).permute(0, 3, 1, 2)

    def feed_forward(self, x: Tensor) -> Tensor:
        """The change by the MLP, whose norm comes after it."""
        return self.mlp_norm(self.mlp(x)) * self.gamma_mlp.view(1, -1, 1, 1)


def _along(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attention along axis 3 of ``(N, heads, a, b, d)``."""
    batch, _, rows = q.shape[:3]
    q, k, v = (p.transpose(1, 2).flatten(0, 1) for p in (q, k, v))
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
    return y.unflatten(0, (batch, rows)).transpose(1, 2)


class SpaceTimeBlock(nn.Module):
    """Attention over time, then over space, then the MLP, each added to its input."""

    def __init__(self, dim: int, num_heads: int, drop_path: float, layer_scale: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.spatial = SpaceAttention(dim, num_heads, layer_scale)
        self.temporal = TimeAttention(dim, num_heads, layer_scale)

    def forward(self, x: Tensor, periodic: Sequence[bool]) -> Tensor:
        """Tokens of the same shape ``(B, T, D, h, w)``."""
        batch, frames = x.shape[:2]
        x = x + self._drop(self.temporal(x))
        y = x.flatten(0, 1)
        y = y + self._drop(self.spatial.attention(y, periodic).unflatten(0, (batch, frames))).flatten(0, 1)
        y = y + self._drop(self.spatial.feed_forward(y).unflatten(0, (batch, frames))).flatten(0, 1)
        return y.unflatten(0, (batch, frames))

    def _drop(self, change: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0:
            return change
        kept = (torch.rand(len(change), 1, 1, 1, 1) >= self.drop_path).to(change)
        return change * kept / (1 - self.drop_path)

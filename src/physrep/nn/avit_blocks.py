"""The blocks of the axial vision transformer: attention over time, then along both axes of space (see `avit`).

Channels come last everywhere, so that linear maps need no copies between layouts; factors per channel (layer scale,
scale of the scores) are multiplied into weights, which are smaller than the tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .frame_norm import FrameInstanceNorm, FrameRMSNorm
from .mlp import PointwiseMLP
from .relative_bias import RelativePositionBias


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
        """Queries, keys, values with shape ``(..., heads, D / heads)`` of ``(..., D)``, before their norms.

        The channels of a head lie together as [q | k | v], as released.
        """
        qkv = F.linear(x, self.input_head.weight.flatten(1), self.input_head.bias)
        q, k, v = qkv.unflatten(-1, (self.num_heads, -1)).chunk(3, dim=-1)
        return q, k, v

    def normed(self, q: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        """The norms of queries and keys; the scale of the scores, ``d^-1/2``, is on the queries."""
        scale, own = q.shape[-1] ** -0.5, self.qnorm
        return F.layer_norm(q, own.normalized_shape, own.weight * scale, own.bias * scale, own.eps), self.knorm(k)

    def out(self, y: Tensor, gamma: Tensor) -> Tensor:
        """The output map, times the layer scale."""
        weight, bias = self.output_head.weight.flatten(1), self.output_head.bias
        return F.linear(y, weight * gamma[:, None], None if bias is None else bias * gamma)


def attend_scaled(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attention along the axis before the last, by queries ``(..., L, d)`` that hold the scale of the scores.

    On a CPU in three steps: the library's kernels that take a bias with a gradient are made of the same, and more.
    """
    if q.device.type == "cpu":
        return torch.softmax(q @ k.mT + bias, -1).to(v.dtype) @ v
    shape, (q, k, v) = q.shape, (p.reshape(-1, *p.shape[-3:]) for p in (q, k.to(q.dtype), v.to(q.dtype)))
    wide = bias.to(q.dtype).expand(*shape[:-1], k.shape[-2]).reshape(-1, *shape[-3:-1], k.shape[-2])
    return F.scaled_dot_product_attention(q, k, v, attn_mask=wide, scale=1.0).view(shape)


class TimeAttention(AxialHeads):
    """Attention of every token with those of the same place at all times of the window; no causal mask."""

    def __init__(self, dim: int, num_heads: int, layer_scale: float) -> None:
        super().__init__(dim, num_heads)
        self.norm1, self.norm2 = FrameInstanceNorm(dim), FrameInstanceNorm(dim)
        self.gamma = nn.Parameter(torch.full((dim,), layer_scale))

    def forward(self, x: Tensor, last: bool = False) -> Tensor:
        """The change of tokens with shape ``(B, T, h, w, D)``; with ``last`` of the last frame alone."""
        batch, frames, h, w, _ = x.shape
        parts = self.heads(self.norm1(x.flatten(0, 1)).view(x.shape))
        # (B, T, h, w, heads, d) -> (B, h, w, heads, T, d)
        q, k, v = (part.permute(0, 2, 3, 4, 1, 5) for part in parts)
        bias = self.rel_pos_bias(frames)
        if last:
            q, bias = q[..., -1:, :], bias[:, :, -1:]
        y = attend_scaled(*self.normed(q, k), v, bias)
        y = y.permute(0, 4, 1, 2, 3, 5).reshape(-1, h, w, x.shape[-1])
        return self.out(self.norm2(y), self.gamma).unflatten(0, (batch, -1))


class SpaceAttention(AxialHeads):
    """Attention along W and along H with the same queries, keys and values, averaged."""

    def __init__(self, dim: int, num_heads: int, layer_scale: float) -> None:
        super().__init__(dim, num_heads)
        self.norm1, self.norm2, self.mlp_norm = (FrameRMSNorm(dim) for _ in range(3))
        self.gamma_att, self.gamma_mlp = (nn.Parameter(torch.full((dim,), layer_scale)) for _ in range(2))
        self.mlp = PointwiseMLP(dim, 4 * dim)

    def attention(self, x: Tensor, periodic: Sequence[bool]) -> Tensor:
        """The change by attention of frames with shape ``(N, h, w, D)``; ``periodic`` for H and W."""
        # (N, h, w, heads, d) -> (N, heads, h, w, d)
        q, k, v = (part.permute(0, 3, 1, 2, 4) for part in self.heads(self.norm1(x)))
        q, k = self.normed(q, k)
        v = v * 0.5  # of the average
        along_w = attend_scaled(q, k, v, self.rel_pos_bias(x.shape[2], periodic[1])[:, :, None])
        q, k, v = (part.transpose(2, 3) for part in (q, k, v))
        along_h = attend_scaled(q, k, v, self.rel_pos_bias(x.shape[1], periodic[0])[:, :, None])
        y = (along_w + along_h.transpose(2, 3)).permute(0, 2, 3, 1, 4).flatten(3)
        return self.out(self.norm2(y), self.gamma_att)

    def feed_forward(self, x: Tensor) -> Tensor:
        """The change by the MLP, whose norm comes after it."""
        return self.mlp_norm(self.mlp(x), self.gamma_mlp)


class SpaceTimeBlock(nn.Module):
    """Attention over time, then over space, then the MLP, each added to its input."""

    def __init__(self, dim: int, num_heads: int, drop_path: float, layer_scale: float) -> None:
        super().__init__()
        self.drop_path = drop_path
        self.spatial = SpaceAttention(dim, num_heads, layer_scale)
        self.temporal = TimeAttention(dim, num_heads, layer_scale)

    def forward(self, x: Tensor, periodic: Sequence[bool], last: bool = False) -> Tensor:
        """Tokens of the same shape ``(B, T, h, w, D)``; with ``last`` those of the last frame alone, T = 1."""
        change = self._drop(self.temporal(x, last))
        x = (x[:, -1:] if last else x) + change
        frames = x.shape[:2]
        y = x.flatten(0, 1)
        y = y + self._drop(self.spatial.attention(y, periodic).unflatten(0, frames)).flatten(0, 1)
        y = y + self._drop(self.spatial.feed_forward(y).unflatten(0, frames)).flatten(0, 1)
        return y.unflatten(0, frames)

    def _drop(self, change: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0:
            return change
        kept = (torch.rand(len(change), 1, 1, 1, 1) >= self.drop_path).to(change)
        return change * kept / (1 - self.drop_path)

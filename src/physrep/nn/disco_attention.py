"""Attention in time and along each spatial axis, as in the hypernetwork of DISCO.

Tokens have the shape ``(B, T, H, W, D)``. Parameters have the names and shapes of the published state dict, whose 1x1x1
convolutions are linear maps of the channels.

Source: McCabe et al., Multiple physics pretraining, 2023, https://arxiv.org/abs/2310.02994, in the form of
RudyMorel/DISCO.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BUCKETS, FARTHEST = 32, 32
"""Relative positions share 32 numbers: exact to 7 on either side, then logarithmic up to 32."""

TIME_GROUPS = 12
"""Groups of the norms around attention in time, as published; those of space have two per head."""


class ChannelMap(nn.Module):
    """Linear map of the last axis, with the weight ``(out, in, 1, 1, 1)`` of a 1x1x1 convolution."""

    def __init__(self, in_dim: int, out_dim: int) -> None:
        super().__init__()
        linear = nn.Linear(in_dim, out_dim)
        self.weight = nn.Parameter(linear.weight.detach()[..., None, None, None].clone())
        self.bias = linear.bias

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with shape ``(..., out)``."""
        return F.linear(x, self.weight.flatten(1), self.bias)


class FrameNorm(nn.Module):
    """Group norm of every frame over its points and the channels of a group; a weight and no bias."""

    def __init__(self, groups: int, dim: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with the shape ``(B, T, H, W, D)`` of ``x``."""
        frames = x.flatten(0, 1).movedim(-1, 1)
        return F.group_norm(frames, self.groups, self.weight).movedim(1, -1).reshape(x.shape)


class RelativeBias(nn.Module):
    """Learned bias of attention by head and relative position."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.relative_attention_bias = nn.Embedding(BUCKETS, heads)

    def forward(self, n: int) -> Tensor:
        """Biases with shape ``(heads, n, n)``, queries along rows."""
        position = torch.arange(n, device=self.relative_attention_bias.weight.device)
        offset = position - position[:, None]
        return self.relative_attention_bias(relative_bucket(offset)).permute(2, 0, 1)


def relative_bucket(offset: Tensor) -> Tensor:
    """Bucket (0 to 31) of key position minus query position; the upper half is for keys that come later."""
    half, exact = BUCKETS // 2, BUCKETS // 4
    distance = offset.abs()
    far = (distance.clamp_min(1).float() / exact).log() / math.log(FARTHEST / exact) * (half - exact)
    far = (exact + far.long()).clamp_max(half - 1)
    return (offset > 0).long() * half + torch.where(distance < exact, distance, far)


def attend(x: Tensor, heads: int, qnorm: nn.Module, knorm: nn.Module, bias: RelativeBias) -> Tensor:
    """Attention along the axis before the last of ``(..., n, 3 D)``; every head's channels are q, k, v in a row."""
    lead, n = x.shape[:-2], x.shape[-2]
    q, k, v = x.reshape(-1, n, heads, x.shape[-1] // heads).transpose(1, 2).chunk(3, dim=-1)
    q, k = qnorm(q), knorm(k)
    y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias(n).to(q.dtype).unsqueeze(0))
    return y.transpose(1, 2).reshape(*lead, n, -1)


def drop_path(x: Tensor, rate: float, training: bool) -> Tensor:
    """``x`` with whole clips set to zero at random while training, the others divided by the kept fraction."""
    if rate == 0 or not training:
        return x
    keep = torch.rand(len(x), *[1] * (x.dim() - 1), device=x.device) >= rate
    return x * keep / (1 - rate)


class TemporalAttention(nn.Module):
    """Every point attends over time: ``x + γ out(norm2(attention(norm1(x))))``."""

    def __init__(self, dim: int, heads: int, layer_scale: float, drop: float) -> None:
        super().__init__()
        self.heads, self.drop = heads, drop
        self.gamma = nn.Parameter(torch.full((dim,), layer_scale))
        self.norm1, self.norm2 = FrameNorm(TIME_GROUPS, dim), FrameNorm(TIME_GROUPS, dim)
        self.input_head, self.output_head = ChannelMap(dim, 3 * dim), ChannelMap(dim, dim)
        self.qnorm, self.knorm = nn.LayerNorm(dim // heads), nn.LayerNorm(dim // heads)
        self.rel_pos_bias = RelativeBias(heads)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with the shape ``(B, T, H, W, D)`` of ``x``."""
        y = self.input_head(self.norm1(x)).movedim(1, 3)
        y = attend(y, self.heads, self.qnorm, self.knorm, self.rel_pos_bias).movedim(3, 1)
        return x + drop_path(self.gamma * self.output_head(self.norm2(y)), self.drop, self.training)


class Mlp(nn.Module):
    """Two linear maps with a GELU between them."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with the shape of ``x``."""
        return self.fc2(F.gelu(self.fc1(x)))


class AxialAttention(nn.Module):
    """Half the sum of attention along H and along W, each with its own q, k, v; then an MLP with a norm behind it.

    The published code gives 2D data a third axis of one point from the second block on: attention along it is the value
    map of a third head (``third_axis``), added to the sum.
    """

    def __init__(self, dim: int, heads: int, layer_scale: float, drop: float, third_axis: bool) -> None:
        super().__init__()
        self.heads, self.drop, self.third_axis = heads, drop, third_axis
        self.norm1, self.norm2 = FrameNorm(2 * heads, dim), FrameNorm(2 * heads, dim)
        self.gamma_att = nn.Parameter(torch.full((dim,), layer_scale))
        self.gamma_mlp = nn.Parameter(torch.full((dim,), layer_scale))
        self.input_heads = nn.ModuleList(ChannelMap(dim, 3 * dim) for _ in range(3 if third_axis else 2))
        self.output_head = ChannelMap(dim, dim)
        self.qnorms = nn.ModuleList(nn.LayerNorm(dim // heads) for _ in range(2))
        self.knorms = nn.ModuleList(nn.LayerNorm(dim // heads) for _ in range(2))
        self.rel_pos_biases = nn.ModuleList(RelativeBias(heads) for _ in range(2))
        self.mlp, self.mlp_norm = Mlp(dim), FrameNorm(2 * heads, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with the shape ``(B, T, H, W, D)`` of ``x``."""
        normed = self.norm1(x)
        total = torch.zeros_like(x)
        for axis, (head, qnorm, knorm, bias) in enumerate(
            zip(self.input_heads, self.qnorms, self.knorms, self.rel_pos_biases, strict=False)
        ):
            y = head(normed).movedim(2 + axis, 3)
            total = total + attend(y, self.heads, qnorm, knorm, bias).movedim(3, 2 + axis)  # pyright: ignore[reportArgumentType]
        if self.third_axis:
            values = self.input_heads[2](normed).unflatten(-1, (self.heads, 3, -1))[..., 2, :]
            total = total + values.flatten(-2)
        y = self.output_head(self.norm2(total / 2))
        x = x + drop_path(self.gamma_att * y, self.drop, self.training)
        return x + drop_path(self.gamma_mlp * self.mlp_norm(self.mlp(x)), self.drop, self.training)


class DISCOBlock(nn.Module):
    """Attention in time, then in space."""

    def __init__(self, dim: int, heads: int, layer_scale: float, drop: float, third_axis: bool) -> None:
        super().__init__()
        self.temporal = TemporalAttention(dim, heads, layer_scale, drop)
        self.spatial = AxialAttention(dim, heads, layer_scale, drop, third_axis)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with the shape ``(B, T, H, W, D)`` of ``x``."""
        return self.spatial(self.temporal(x))

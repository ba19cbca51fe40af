"""Attention in time and along each spatial axis, as in the hypernetwork of DISCO.

Tokens have the shape ``(B, T, H, W, D)``. Parameters have the names and shapes of the published state dict, whose 1x1x1
convolutions are linear maps of the channels.

Source: McCabe et al., Multiple physics pretraining, 2023, https://arxiv.org/abs/2310.02994, in the form of
RudyMorel/DISCO.
"""

from __future__ import annotations

import math
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .avit_blocks import attend_scaled
from .mlp import PointwiseMLP

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

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        """Tensor with shape ``(..., out)``, times ``scale`` of every channel if that is given."""
        weight, bias = self.weight.flatten(1), self.bias
        return F.linear(x, weight, bias) if scale is None else F.linear(x, weight * scale[:, None], bias * scale)


class FrameNorm(nn.Module):
    """Group norm of every frame over its points and the channels of a group; a weight and no bias."""

    def __init__(self, groups: int, dim: int) -> None:
        super().__init__()
        self.groups = groups
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        """Tensor with the shape ``(B, T, H, W, D)`` of ``x``, times ``scale`` of every channel if that is given."""
        frames, weight = x.flatten(0, 1).movedim(-1, 1), self.weight if scale is None else self.weight * scale
        return F.group_norm(frames, self.groups, weight).movedim(1, -1).reshape(x.shape)


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


def attend(x: Tensor, axis: int, heads: int, qnorm: nn.LayerNorm, knorm: nn.LayerNorm, bias: RelativeBias) -> Tensor:
    """Attention along an axis (1 to 3) of ``(B, T, H, W, 3 D)``; every head's channels are q, k, v in a row."""
    n = x.shape[axis]
    # (B, T, H, W, heads, 3d) -> (rest, heads, n, 3d), and back
    q, k, v = x.unflatten(-1, (heads, -1)).movedim(axis, 4).chunk(3, dim=-1)
    # The scale of the scores is on the queries.
    scale = q.shape[-1] ** -0.5
    q = F.layer_norm(q, qnorm.normalized_shape, qnorm.weight * scale, qnorm.bias * scale, qnorm.eps)
    return attend_scaled(q, knorm(k), v, bias(n)).movedim(4, axis).flatten(4)


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
        y = self.input_head(self.norm1(x))
        y = attend(y, 1, self.heads, self.qnorm, self.knorm, self.rel_pos_bias)
        return x + drop_path(self.output_head(self.norm2(y), self.gamma), self.drop, self.training)


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
        self.mlp, self.mlp_norm = PointwiseMLP(dim, 4 * dim), FrameNorm(2 * heads, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with the shape ``(B, T, H, W, D)`` of ``x``."""
        normed = self.norm1(x)
        heads = zip(self.input_heads, self.qnorms, self.knorms, self.rel_pos_biases, strict=False)
        parts = [attend(head(normed), 2 + axis, self.heads, *cast(Any, own)) for axis, (head, *own) in enumerate(heads)]
        total = parts[0] + parts[1]
        if self.third_axis:
            total = total + self._third_values(normed)
        x = x + drop_path(self.output_head(self.norm2(total / 2), self.gamma_att), self.drop, self.training)
        return x + drop_path(self.mlp_norm(self.mlp(x), self.gamma_mlp), self.drop, self.training)

    def _third_values(self, normed: Tensor) -> Tensor:
        """The value map of the third head; its queries and keys, of an axis of one point, are never needed."""
        third = cast(ChannelMap, self.input_heads[2])
        weight, bias = (
            part.unflatten(0, (self.heads, 3, -1))[:, 2].flatten(0, 1) for part in (third.weight, third.bias)
        )
        return F.linear(normed, weight.flatten(1), bias)


class DISCOBlock(nn.Module):
    """Attention in time, then in space."""

    def __init__(self, dim: int, heads: int, layer_scale: float, drop: float, third_axis: bool) -> None:
        super().__init__()
        self.temporal = TemporalAttention(dim, heads, layer_scale, drop)
        self.spatial = AxialAttention(dim, heads, layer_scale, drop, third_axis)

    def forward(self, x: Tensor) -> Tensor:
        """Tensor with the shape ``(B, T, H, W, D)`` of ``x``."""
        return self.spatial(self.temporal(x))

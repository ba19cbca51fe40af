r"""The encoder and the processor of Walrus under the names of its published weights; the decoder is left out.

T frames of C fields become tokens by two convolutions whose kernels are fixed and whose strides (s₁, s₂) follow from
the grid, so that a fixed number of tokens lies along every axis:

    tokens = σ(N(w₂ *_{s₂} σ(N(w₁ *_{s₁} x)))),    N(x) = γ x / rms x over space, per channel and frame,    σ = SiLU.

The first kernel has a column per field of a vocabulary of V, and three more for flags: 1 inside the domain, and 1 in
the margin beyond a closed and beyond an open boundary. Columns of the n fields that are there, and of the first flag,
are scaled by √(V/n). Kernels have three axes; on data with two the third is summed. A block is attention over time at
every place, then attention over space in every frame beside a gated MLP:

    x ← x + W_o attention(q, k, v) + b,                     q, k, v from N(x), keys after the query hidden,
    x ← x + W_a attention(q', k', v') + W_f (silu(g) ⊙ u),   q', k', v', u, g from N(x).

Queries and keys have a layer norm per head. Over time, scores have a bias by distance (T5); over space, pairs of
entries are rotated by angles f p, p from -1 to 1 along every axis.

Sources: McCabe et al., Walrus: A cross-domain foundation model for continuum dynamics, 2025,
https://arxiv.org/abs/2511.15684; Mukhopadhyay et al., Controllable patching for compute-adaptive surrogate modeling of
partial differential equations, 2025, https://arxiv.org/abs/2507.09264; layout: PolymathicAI/walrus.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .relative_bias import RelativePositionBias

STRIDES: dict[int, tuple[int, int]] = {
    1: (1, 1), 4: (2, 2), 8: (4, 2), 12: (6, 2), 16: (4, 4), 24: (6, 4), 32: (8, 4),
}  # fmt: skip
"""Strides of both convolutions by the points along an axis of one token."""
CLOSED, OPEN, INSIDE = 0, 1, 2
"""Columns of the flags in the first kernel."""
FLAGS = 3
HIGHEST = 128.0
"""Angle of the fastest pair, in units of π at the end of an axis."""
SMALL = 1e-6
"""Initial size of what a block adds."""


class ChannelRMSNorm(nn.Module):
    """``γ x / sqrt(mean x² + eps)``, the mean over space, for every frame and channel by itself."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """``(..., S, D)`` with space flattened, of the same shape."""
        y = x.float()
        scale = (y.square().mean(-2, keepdim=True) + torch.finfo(torch.float32).eps).rsqrt()
        return (y * scale).to(x.dtype) * self.weight


class WalrusStem(nn.Module):
    """The two convolutions.

    Args:
        fields: columns V + 3 of the first kernel.
        inner, dim: widths after the first and the second convolution.
        kernels: points along an axis of both kernels.
        axes: of space, 2 or 3.
    """

    def __init__(self, fields: int, inner: int, dim: int, kernels: Sequence[int] = (8, 4), axes: int = 2) -> None:
        super().__init__()
        self.axes = axes
        self.proj1 = nn.Conv3d(fields, inner, kernels[0], bias=False)
        self.norm1, self.norm2 = ChannelRMSNorm(inner), ChannelRMSNorm(dim)
        self.proj2 = nn.Conv3d(inner, dim, kernels[1], bias=False)

    def margins(self, strides: Sequence[tuple[int, int]], periodic: Sequence[bool]) -> list[int]:
        """Points that are added on both sides of every axis: what the kernels reach, and half a token at boundaries."""
        first, second = self.proj1.kernel_size[0], self.proj2.kernel_size[0]
        reach = [first + a * (second - 1) - a * b for a, b in strides]
        return [
            r // 2 + (0 if around else a * b // 2) for r, (a, b), around in zip(reach, strides, periodic, strict=True)
        ]

    def forward(
        self,
        x: Tensor,
        columns: Sequence[int],
        present: int,
        strides: Sequence[tuple[int, int]],
        periodic: Sequence[bool],
        boundary: int = CLOSED,
    ) -> Tensor:
        """Tokens ``(N, *s, D)`` of frames ``(N, C, *S)``.

        Args:
            x: fields, in units of their root mean square.
            columns: of the C fields in the first kernel.
            present: number n of fields that count for the scale, with components that are zero.
            strides: of both convolutions, per axis.
            periodic: per axis.
            boundary: flag beyond axes that are not periodic.

        Raises:
            PhysrepError: a periodic axis is shorter than the margin around it.
        """
        margins = self.margins(strides, periodic)
        flags = x.new_zeros(len(x), FLAGS, *x.shape[2:])
        flags[:, INSIDE] = 1
        pairs = list(zip(margins, periodic, strict=True))
        x = _closed(torch.cat([x, flags], 1), [0 if around else margin for margin, around in pairs], boundary)
        widths = [width for margin, around in reversed(pairs) for width in [margin if around else 0] * 2]
        if any(margin > points for margin, points in zip(margins, x.shape[2:], strict=True)):
            raise PhysrepError(f"walrus: a periodic axis of {min(x.shape[2:])} points is shorter than its margin.")
        x = F.pad(x, widths, mode="circular") if any(widths) else x
        weight = self.proj1.weight[:, [*columns, CLOSED, OPEN, INSIDE]]
        scale = weight.new_full((weight.shape[1],), math.sqrt((self.proj1.in_channels - FLAGS) / present))
        scale[-FLAGS : -FLAGS + 2] = 1
        y = self._convolved(x, weight * scale.view(1, -1, 1, 1, 1), [a for a, _ in strides], self.norm1)
        return self._convolved(y, self.proj2.weight, [b for _, b in strides], self.norm2).movedim(1, -1)

    def _convolved(self, x: Tensor, weight: Tensor, stride: list[int], norm: ChannelRMSNorm) -> Tensor:
        y = F.conv3d(x, weight, stride=stride) if self.axes == 3 else F.conv2d(x, weight.sum(-1), stride=stride)
        return F.silu(norm(y.flatten(2).transpose(1, 2)).transpose(1, 2).unflatten(2, y.shape[2:]))


def _closed(x: Tensor, margins: Sequence[int], boundary: int) -> Tensor:
    """Margins on both sides of every axis: fields zero, the flag of the boundary one more per axis, of the inside 0."""
    x = F.pad(x, [width for margin in reversed(margins) for width in (margin, margin)])
    for axis, margin in enumerate(margins, 2):
        for side in (x.narrow(axis, 0, margin), x.narrow(axis, x.shape[axis] - margin, margin)):
            side[:, boundary - FLAGS] += 1
            side[:, INSIDE - FLAGS] = 0
    return x


class TimeMixing(nn.Module):
    """Causal attention over the frames at every place."""

    def __init__(self, dim: int, heads: int, buckets: int = 32) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = ChannelRMSNorm(dim)
        self.input_head, self.output_head = nn.Conv3d(dim, 3 * dim, 1), nn.Conv3d(dim, dim, 1)
        self.qnorm, self.knorm = nn.LayerNorm(dim // heads), nn.LayerNorm(dim // heads)
        self.rel_pos_bias = RelativePositionBias(heads, buckets, causal=True)
        with torch.no_grad():
            for parameter in self.output_head.parameters():
                parameter.mul_(SMALL)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, T, S, D)``, of the same shape."""
        y = F.linear(self.norm1(x), self.input_head.weight.flatten(1), self.input_head.bias)
        # A head's queries, keys and values lie side by side.
        y = y.unflatten(3, (self.heads, -1)).permute(0, 2, 3, 1, 4).flatten(0, 1)
        q, k, v = y.chunk(3, -1)
        bias = self.rel_pos_bias(x.shape[1]).to(q)
        y = F.scaled_dot_product_attention(self.qnorm(q), self.knorm(k), v, attn_mask=bias)
        y = y.unflatten(0, (len(x), -1)).permute(0, 3, 1, 2, 4).flatten(3)
        return x + F.linear(y, self.output_head.weight.flatten(1), self.output_head.bias)


class Rotary(nn.Module):
    """Frequencies of the rotation, per axis of three."""

    freqs: Tensor

    def __init__(self, pairs: int) -> None:
        super().__init__()
        self.register_buffer("freqs", (torch.linspace(1.0, HIGHEST, pairs) * math.pi).expand(3, -1).clone())

    def forward(self, grid: Sequence[int]) -> Tensor:
        """Angles ``(S, 3 pairs)`` of the places of a grid with three axes."""
        angles = []
        for axis, points in enumerate(grid):
            place = torch.linspace(-1, 1, points, device=self.freqs.device, dtype=self.freqs.dtype)
            shape = [1] * axis + [points] + [1] * (2 - axis) + [-1]
            angles.append((place[:, None] * self.freqs[axis]).view(shape).expand(*grid, -1))
        return torch.cat(angles, -1).flatten(0, 2)


def rotated(x: Tensor, angles: Tensor) -> Tensor:
    """``(..., S, D)`` with the first pairs of neighbouring entries turned by ``angles`` ``(S, pairs)``."""
    count = 2 * angles.shape[-1]
    a, b = x[..., 0:count:2], x[..., 1:count:2]
    turned = torch.stack([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)
    return torch.cat([turned.flatten(-2), x[..., count:]], -1)


class SpaceMixing(nn.Module):
    """Attention over the places of every frame, beside a gated MLP."""

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads, self.widths = heads, (hidden, dim, dim, dim)
        self.norm1 = ChannelRMSNorm(dim)
        self.fused_ff_qkv = nn.Linear(dim, sum(self.widths))
        self.ff_out, self.attn_out = nn.Linear(hidden // 2, dim), nn.Linear(dim, dim, bias=False)
        self.q_norm, self.k_norm = nn.LayerNorm(dim // heads), nn.LayerNorm(dim // heads)
        self.rotary_emb = Rotary(dim // heads // 4 // 2)
        with torch.no_grad():
            for parameter in (*self.ff_out.parameters(), *self.attn_out.parameters()):
                parameter.mul_(SMALL)

    def forward(self, x: Tensor, grid: Sequence[int]) -> Tensor:
        """``(N, S, D)``, of the same shape; ``grid`` are the places along three axes, S in all."""
        mlp, *three = self.fused_ff_qkv(self.norm1(x)).split(self.widths, -1)
        q, k, v = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in three)
        angles = self.rotary_emb(grid).to(q)
        y = F.scaled_dot_product_attention(rotated(self.q_norm(q), angles), rotated(self.k_norm(k), angles), v)
        value, gate = mlp.chunk(2, -1)
        return x + self.attn_out(y.transpose(1, 2).flatten(2)) + self.ff_out(F.silu(gate) * value)


class WalrusBlock(nn.Module):
    """Attention over time, then over space."""

    def __init__(self, dim: int, heads: int, hidden: int, time_heads: int, buckets: int) -> None:
        super().__init__()
        self.time_mixing = TimeMixing(dim, time_heads, buckets)
        self.space_mixing = SpaceMixing(dim, heads, hidden)

    def forward(self, x: Tensor, grid: Sequence[int]) -> Tensor:
        """``(B, T, S, D)``, of the same shape."""
        x = self.time_mixing(x)
        return self.space_mixing(x.flatten(0, 1), grid).unflatten(0, x.shape[:2])


class WalrusTrunk(nn.Module):
    """Stem and blocks.

    Args:
        fields: columns of the first kernel, V + 3.
        dim, inner: widths of the tokens and between the convolutions.
        blocks: number of blocks.
        heads, time_heads: of attention over space and over time; the latter as many as the former if None.
        hidden: width that the MLP has before its gate; four times ``dim`` if None.
        kernels: points along an axis of both kernels.
        buckets: of distances in time.
        axes: of space, 2 or 3.
    """

    def __init__(
        self, fields: int, dim: int, inner: int, blocks: int, heads: int, time_heads: int | None, hidden: int | None,
        kernels: Sequence[int], buckets: int, axes: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embed_dim, self.axes, self.fields = dim, axes, fields
        self.encoder_dummy = nn.Parameter(torch.ones(1))
        self.embed = nn.ModuleDict({str(axes): WalrusStem(fields, inner, dim, kernels, axes)})
        self.blocks = nn.ModuleList(
            WalrusBlock(dim, heads, hidden or 4 * dim, time_heads or heads, buckets) for _ in range(blocks)
        )

    def forward(
        self,
        x: Tensor,
        columns: Sequence[int],
        present: int,
        strides: Sequence[tuple[int, int]],
        periodic: Sequence[bool],
        boundary: int = CLOSED,
    ) -> Tensor:
        """Tokens ``(B, T, *s, D)`` of fields ``(B, T, C, *S)``; further arguments as of `WalrusStem.forward`."""
        frames = self.embed[str(self.axes)]((x * self.encoder_dummy).flatten(0, 1), columns, present, strides,
                                            periodic, boundary)  # fmt: skip
        grid = [*frames.shape[1:-1], *(1,) * (3 - self.axes)]
        tokens = frames.flatten(1, -2).unflatten(0, x.shape[:2])
        for block in self.blocks:
            tokens = block(tokens, grid)
        return tokens.unflatten(2, frames.shape[1:-1])

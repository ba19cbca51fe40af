"""Windows of attention as in Swin v2: cutting frames, the bias of relative places, what a shift blocks."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

BLOCKED = -200.0
"""Score of a pair that the shift made neighbours around the edge."""


def windows(x: Tensor, side: int) -> Tensor:
    """``(B, H, W, D)`` to ``(B, windows, side², D)``."""
    x = x.unflatten(2, (-1, side)).unflatten(1, (-1, side))
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def join_windows(x: Tensor, height: int, side: int) -> Tensor:
    """``(B, windows, side², D)`` back to ``(B, height, W, D)``."""
    x = x.unflatten(2, (side, side)).unflatten(1, (height // side, -1))
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def cut_windows(height: int, width: int, side: int, shift: int, like: Tensor) -> Tensor:
    """Scores ``(windows, side², side²)`` of pairs from different parts of the frame, after the shift."""
    parts = []
    for points in (height, width):
        part = torch.zeros(points, device=like.device)
        part[-side:-shift], part[-shift:] = 1, 2
        parts.append(part)
    own = windows((3 * parts[0][:, None] + parts[1])[None, :, :, None], side)[0, :, :, 0]
    return BLOCKED * (own[:, :, None] != own[:, None, :]).to(like)


def place_bias(mlp: nn.Module, side: int, like: Tensor) -> Tensor:
    """``16 σ(MLP(Δ))`` with shape ``(heads, side², side²)``; Δ is the relative place on a logarithmic scale."""
    steps = torch.arange(1 - side, side, device=like.device, dtype=like.dtype)
    steps = 8 * steps / max(side - 1, 1)
    steps = steps.sign() * torch.log2(steps.abs() + 1) / math.log2(8)
    table = mlp(torch.stack(torch.meshgrid(steps, steps, indexing="ij"), -1))
    place = torch.arange(side, device=steps.device)
    apart = place[:, None] - place + side - 1
    down, along = apart[:, None, :, None].expand(side, side, side, side), apart[None, :, None, :]
    return 16 * table[down, along.expand_as(down)].flatten(0, 1).flatten(1, 2).permute(2, 0, 1).sigmoid()

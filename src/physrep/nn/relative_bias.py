"""Biases of attention that depend on the distance of two positions, as released with Multiple Physics Pretraining.

Distances fall into 32 buckets, half of them for keys before the query and half for keys after it: exact up to 8, then
in geometric steps up to 32. Causal, all are for keys before the query, exact up to 16, and keys after it are hidden.

On a periodic axis distances are folded first, by the released rule, which is not that around the circle: with
m = n // 2, r < -m becomes ``r mod m`` and r > m becomes ``r mod (-m)`` with the sign of the divisor, so on 4 points
r = 3 becomes -1, and on 5 points r = 4 becomes 0 and r = 3 becomes -1.

Source: T5, Raffel et al., 2020, https://arxiv.org/abs/1910.10683, section 2.1;
PolymathicAI/multiple_physics_pretraining.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class RelativePositionBias(nn.Module):
    """One learned number per head and bucket.

    Args:
        num_heads: attention heads.
        buckets: number of buckets, even.
        max_distance: distance from which on all share the last bucket.
        causal: whether keys after the query are hidden.
    """

    def __init__(self, num_heads: int, buckets: int = 32, max_distance: int = 32, causal: bool = False) -> None:
        super().__init__()
        self.buckets, self.max_distance, self.causal = buckets, max_distance, causal
        self.relative_attention_bias = nn.Embedding(buckets, num_heads)

    def forward(self, length: int, periodic: bool = False) -> Tensor:
        """Bias with shape ``(1, heads, length, length)``: queries in rows, keys in columns."""
        table = self.relative_attention_bias
        if not self.causal:
            index = position_buckets(length, periodic, self.buckets, self.max_distance).to(table.weight.device)
            return table(index).permute(2, 0, 1).unsqueeze(0)
        index = _bucket(_distances(length).neg().clamp(min=0), self.buckets, self.max_distance).to(table.weight.device)
        return table(index).permute(2, 0, 1).masked_fill(_distances(length).to(index) > 0, -math.inf).unsqueeze(0)


def position_buckets(length: int, periodic: bool, buckets: int = 32, max_distance: int = 32) -> Tensor:
    """Bucket of every (query, key) with shape ``(length, length)``."""
    distance = _distances(length)
    if periodic and length > 1:
        half = length // 2
        distance = torch.where(
            distance < -half,
            distance.remainder(half),
            torch.where(distance > half, distance.remainder(-half), distance),
        )
    sides = buckets // 2
    return (distance > 0).long() * sides + _bucket(distance.abs(), sides, max_distance)


def _distances(length: int) -> Tensor:
    """Place of the key from the query."""
    position = torch.arange(length)
    return position[None, :] - position[:, None]


def _bucket(magnitude: Tensor, sides: int, max_distance: int) -> Tensor:
    """Of ``sides`` buckets the one of each distance: half are exact."""
    exact = sides // 2
    # In single precision, as released: the truncation to whole buckets depends on it.
    growth = torch.log(magnitude.float().clamp(min=1) / exact) / math.log(max_distance / exact) * (sides - exact)
    far = (exact + growth.long()).clamp(max=sides - 1)
    return torch.where(magnitude < exact, magnitude, far)

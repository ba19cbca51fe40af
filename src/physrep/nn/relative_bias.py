"""Biases of attention that depend on the distance of two positions, as released with Multiple Physics Pretraining.

Distances fall into 32 buckets, half of them for keys before the query and half for keys after it: exact up to 8, then
in geometric steps up to 32. On a periodic axis distances are folded first, by the released rule, which is not that
around the circle: with m = n // 2, r < -m becomes ``r mod m`` and r > m becomes ``r mod (-m)`` with the sign of the
divisor, so on 4 points r = 3 becomes -1, and on 5 points r = 4 becomes 0 and r = 3 becomes -1.

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
    """

    def __init__(self, num_heads: int, buckets: int = 32, max_distance: int = 32) -> None:
        super().__init__()
        self.buckets, self.max_distance = buckets, max_distance
        self.relative_attention_bias = nn.Embedding(buckets, num_heads)

    def forward(self, length: int, periodic: bool = False) -> Tensor:
        """Bias with shape ``(1, heads, length, length)``: queries in rows, keys in columns."""
        table = self.relative_attention_bias
        index = position_buckets(length, periodic, self.buckets, self.max_distance).to(table.weight.device)
        return table(index).permute(2, 0, 1).unsqueeze(0)


def position_buckets(length: int, periodic: bool, buckets: int = 32, max_distance: int = 32) -> Tensor:
    """Bucket of every (query, key) with shape ``(length, length)``."""
    position = torch.arange(length)
    distance = position[None, :] - position[:, None]
    if periodic and length > 1:
        half = length // 2
        distance = torch.where(
            distance < -half,
            distance.remainder(half),
            torch.where(distance > half, distance.remainder(-half), distance),
        )
    sides = buckets // 2
    exact = sides // 2
    after = (distance > 0).long() * sides
    magnitude = distance.abs()
    # In single precision, as released: the truncation to whole buckets depends on it.
    growth = torch.log(magnitude.float().clamp(min=1) / exact) / math.log(max_distance / exact) * (sides - exact)
    far = (exact + growth.long()).clamp(max=sides - 1)
    return after + torch.where(magnitude < exact, magnitude, far)

"""Levels of white noise at which the errors of rows are measured, and what lies between them."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Levels σ in standard deviations of the channels; between them errors are interpolated in log σ."""


def interpolation(level: Tensor) -> Tensor:
    """Shares ``(B, len(LEVELS))`` of the levels for windows with this noise ``(B,)``; sums are 1."""
    anchors = torch.tensor(LEVELS[1:], dtype=torch.float64, device=level.device).log()
    place = level.double().clamp(LEVELS[1], LEVELS[-1]).log()
    upper = torch.bucketize(place, anchors).clamp(1, len(anchors) - 1)
    share = (place - anchors[upper - 1]) / (anchors[upper] - anchors[upper - 1])
    table = torch.zeros(len(level), len(LEVELS), dtype=torch.float64, device=level.device)
    row = torch.arange(len(level), device=level.device)
    table[row, upper], table[row, upper + 1] = 1 - share, share
    # Below the first level noise fades out to none.
    faint = level < LEVELS[1]
    table[faint] = 0
    table[faint, 0] = 1 - level[faint].double() / LEVELS[1]
    table[faint, 1] = level[faint].double() / LEVELS[1]
    return table

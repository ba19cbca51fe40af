"""Batches of windows as a fit in closed form is given them: whole trajectories, in windows that do not overlap."""

from __future__ import annotations

import torch
from torch import Tensor

from physrep.clip import Clip

FRAMES, DT = 8, 0.05


def window_batches(
    fields: Tensor, channels: tuple[str, ...], dt: float = DT, first: int = 0, trajectories: int = 4
) -> list[Clip]:
    """All windows of `FRAMES` frames of fields ``(N, C, T, X, Y)`` on a periodic unit square, without labels.

    Args:
        channels: names.
        dt: time between frames.
        first: number of the first trajectory.
        trajectories: per batch.
    """
    starts = range(0, fields.shape[2] - FRAMES + 1, FRAMES)
    found = []
    for begin in range(0, len(fields), trajectories):
        part = fields[begin : begin + trajectories]
        windows = torch.stack([part[:, :, s : s + FRAMES] for s in starts], 1).flatten(0, 1)
        number = torch.arange(begin, begin + len(part)).repeat_interleave(len(starts)) + first
        found.append(
            Clip(windows, torch.zeros(len(windows), 0), channels, (), dt, (1 / fields.shape[3],) * 2, (True, True),
                 number, torch.tensor(list(starts)).repeat(len(part)))
        )  # fmt: skip
    return found

"""White noise on the test fields."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch

from ...clip import Clip
from ...errors import PhysrepError
from .shift import FieldShift
from .study import ShiftStudy


class NoiseShift(FieldShift):
    """``field + level std n``, with n standard normal at every point and frame, std that of the channel in training.

    A window gets the same n at every level and for every learner.

    Args:
        levels: standard deviations of the noise, as fractions of the channel's.
    """

    def __init__(self, levels: Sequence[float] = (0.01, 0.02, 0.05, 0.1, 0.2)) -> None:
        if not levels or min(levels) <= 0:
            raise PhysrepError(f"generalisation: noise levels are {list(levels)}; give fractions above 0, e.g. 0.1.")
        self.levels = tuple(levels)

    def variants(self, study: ShiftStudy, clip: Clip) -> Iterator[tuple[str, str, Clip]]:
        noise = torch.empty_like(clip.fields)
        for row, (trajectory, start) in enumerate(zip(clip.trajectory.tolist(), clip.start.tolist(), strict=True)):
            state = np.random.SeedSequence([study.seed, trajectory, start]).generate_state(1)
            generator = torch.Generator().manual_seed(int(state[0]))
            noise[row] = torch.randn(noise.shape[1:], generator=generator)
        noise *= study.train.std.view(-1, *[1] * (noise.dim() - 2))
        for level in self.levels:
            yield "", f"{100 * level:g} %", replace(clip, fields=clip.fields + level * noise)

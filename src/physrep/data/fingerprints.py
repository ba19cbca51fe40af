"""Numbers that tell frames apart: what the check for leaks compares."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

# Grid points of a frame that are compared: two different flows do not agree bit for bit on 64 points of all channels.
POINTS = 64


@dataclass(frozen=True)
class Fingerprint:
    """A 64-bit number per frame, of its bits at points that depend on nothing but the number of channels and points.

    Attributes:
        channels, points: of a frame.
    """

    channels: int
    points: int

    @cached_property
    def _chosen(self) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng(0)
        chosen = torch.from_numpy(np.sort(rng.choice(self.points, min(POINTS, self.points), replace=False)))
        factors = torch.from_numpy(rng.integers(-(2**62), 2**62, (self.channels, 1, len(chosen))) | 1)
        return chosen, factors

    def __call__(self, frames: Tensor) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of frames ``(C, T, *S)``, int64 ``(T,)``, and whether each varies in space."""
        chosen, factors = self._chosen
        values = frames.flatten(2)[:, :, chosen]
        varies = (values.amax(2) > values.amin(2)).any(0)
        bits = values.contiguous().view(torch.int16 if values.dtype == torch.float16 else torch.int32)
        # Products and sums wrap around, as in any multiplicative hash.
        return (bits.long() * factors).sum((0, 2)).numpy(), varies.numpy()

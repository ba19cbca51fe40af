"""A learner that joins windows, whose joint tokens are known: means weighted by what each window says of its worth."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.learners.baselines import Untrained


class Weighing(Untrained):
    """Token: the mean of channel 0 over the windows, weighted by the mean square of channel 1 of each, and the weight.

    Args:
        in_channels, num_frames: of a learner.
        join_windows: else every window by itself.
    """

    embed_dim = 2

    def __init__(self, in_channels: int, num_frames: int = 4, join_windows: bool = True, **rest: Any) -> None:
        super().__init__(in_channels, num_frames, **rest)
        self.join_windows = join_windows

    def evidence(self, clip: Clip) -> Tensor:
        assert (clip.trajectory < 0).all() and clip.parameters.isnan().all(), "labels and places are hidden"
        x = self.fields(clip, self.num_frames).double()
        weight = x[:, 1].square().flatten(1).mean(1)
        return torch.stack([weight, weight * x[:, 0].flatten(1).mean(1)], 1)

    def joined(self, evidence: Tensor, place: Tensor) -> Tensor:
        total = torch.zeros(int(place.max()) + 1, 2, dtype=evidence.dtype, device=evidence.device)
        weight, weighted = total.index_add(0, place, evidence).T
        return torch.stack([weighted / weight, weight], 1)[:, None]

    def encode(self, clip: Clip) -> Tensor:
        evidence = self.evidence(clip)
        return self.joined(evidence, torch.arange(len(evidence), device=evidence.device)).float()

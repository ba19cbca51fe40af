"""Mean and standard deviation per channel, which learners z-score with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class ChannelStats:
    """Mean and population standard deviation per channel, as learners use them for z-scoring.

    Attributes:
        channels: channel names.
        mean, std: float32 with shape ``(C,)``.
        identity: names, grid and time step of the files that they are of (`physrep.data.identity`); a split that is
            opened with these statistics must agree. None if they were read from a run.
    """

    channels: tuple[str, ...]
    mean: Tensor
    std: Tensor
    identity: Mapping[str, Any] | None = field(default=None, repr=False, compare=False)

    def as_dict(self) -> dict[str, list[Any]]:
        """Plain data, to be stored beside the weights."""
        return {"channels": list(self.channels), "mean": self.mean.tolist(), "std": self.std.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, list[Any]]) -> ChannelStats:
        """The inverse of `as_dict`."""
        return cls(tuple(values["channels"]), torch.tensor(values["mean"]), torch.tensor(values["std"]))

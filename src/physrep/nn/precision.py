"""Parts of a computation that stay in the precision of their numbers under mixed-precision training."""

from __future__ import annotations

import contextlib
from contextlib import AbstractContextManager

import torch


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """A block in which ``torch.autocast`` casts nothing; on ``meta``, which autocast does not know, an empty one.

    Args:
        device: where the block computes.
    """
    if device.type == "meta":
        return contextlib.nullcontext()
    return torch.autocast(device.type, enabled=False)

"""Memory for large batches that is used again once nobody holds the batch.

Above 32 MB the C library takes every block of memory from the system anew and gives it back when freed, so the system
must hand out and clear each of its pages again; for a batch that is only copied this takes several times as long as the
copy. Here a batch is a tensor on a NumPy view of a block. The tensor, its views and whatever autograd saved keep that
NumPy object alive; when it dies, its block is free.
"""

from __future__ import annotations

import math
import weakref
from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SMALLEST = 32 << 20

_free: deque[np.ndarray] = deque(maxlen=3)
"""Free blocks, the oldest of which goes back to the system when there are too many."""


def empty(shape: Sequence[int]) -> Tensor:
    """An uninitialised float32 tensor like `torch.empty`, if large in the memory of an earlier one that is free."""
    size = math.prod(shape)
    if 4 * size < SMALLEST:
        return torch.empty(*shape)
    block = _take(size)
    view = block[:]
    weakref.finalize(view, _free.append, block).atexit = False
    return torch.from_numpy(view).view(*shape)


def _take(size: int) -> np.ndarray:
    # Rotating by popping keeps this safe when a block is freed, by whatever thread, in the meantime.
    for _ in range(len(_free)):
        try:
            block = _free.pop()
        except IndexError:
            break
        if block.size == size:
            return block
        _free.appendleft(block)
    return np.empty(size, dtype=np.float32)

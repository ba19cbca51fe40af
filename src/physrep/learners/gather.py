r"""Rows of all devices, for statistics of a batch that is spread over several.

Every process computes the same loss L of all rows. The gradient that comes back to a process's own rows is summed over
the processes, W dL/dz; DistributedDataParallel averages the gradients of parameters over them, and what remains is
dL/dθ, that of one process with the whole batch.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def spread_over_devices() -> bool:
    """Whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def rows_of_all_devices(x: Tensor) -> Tensor:
    """The rows of every process, with shape ``(W N, ...)``, in the order of ranks; ``x`` itself if there is one only.

    Args:
        x: this process's rows with shape ``(N, ...)``, of one shape in all processes.
    """
    return _Gather.apply(x) if spread_over_devices() else x


def of_first_device(x: Tensor) -> Tensor:
    """The values of the process with rank 0, e.g. of random numbers that all must share; no gradient."""
    if spread_over_devices():
        x = x.clone()
        dist.broadcast(x, 0)
    return x


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        parts = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size())]
        dist.all_gather(parts, x.contiguous())
        ctx.rows = len(x)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> Tensor:
        total = gradients[0].contiguous().clone()
        dist.all_reduce(total)
        first = dist.get_rank() * ctx.rows
        return total[first : first + ctx.rows]

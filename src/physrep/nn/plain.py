"""The choice between torch's operators and own kernels: by the user, or by whoever counts what torch dispatches."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, compiler

from ..errors import PhysrepError

GPU_KERNELS = "PHYSREP_GPU_KERNELS"

_plain = 0


@contextmanager
def plain_operators() -> Iterator[None]:
    """Inside, modules take torch's operators in place of own kernels: a counter of operations sees those only."""
    global _plain
    _plain += 1
    try:
        yield
    finally:
        _plain -= 1


def is_plain() -> bool:
    """Whether own kernels are switched off here."""
    return _plain > 0


def own_gpu_kernels(x: Tensor, faster_from: int) -> bool:
    """Whether Triton kernels are wanted for this tensor; torch.compile sees torch's operators.

    Args:
        x: what they would read.
        faster_from: number of values from which on they were measured to be faster on a GPU. ``PHYSREP_GPU_KERNELS``
            overrides it: ``triton`` for any size, ``library`` for none.

    Raises:
        PhysrepError: the variable has another value.
    """
    choice = os.environ.get(GPU_KERNELS, "")
    if choice not in ("", "library", "triton"):
        raise PhysrepError(f"{GPU_KERNELS} is {choice!r}; give library or triton, or leave it unset.")
    if is_plain() or compiler.is_compiling():
        return False
    return choice == "triton" or (choice == "" and x.device.type == "cuda" and x.numel() >= faster_from)

"""Linear equations in batches, safe on several threads of a CPU.

torch factors the matrices of a batch in threads of its own, and from 150 rows on its LU is wrong then: an error of its
library, or numbers that are no solution (https://github.com/pytorch/pytorch/issues/142815). Such batches are done here
one matrix after the other, in which the library uses all threads.
"""

from __future__ import annotations

import torch
from torch import Tensor

SAFE = 128
"""Rows up to which batches are given to torch as they are."""


def solve(matrices: Tensor, right: Tensor) -> Tensor:
    """``A⁻¹ B``, ``(n, K, C)``.

    Args:
        matrices: A, ``(n, K, K)``.
        right: B, ``(n, K, C)``.
    """
    if _whole(matrices):
        return torch.linalg.solve(matrices, right)
    return torch.stack([torch.linalg.solve(a, b) for a, b in zip(matrices, right, strict=True)])


def inverse(matrices: Tensor) -> Tensor:
    """``A⁻¹``, ``(n, K, K)``.

    Args:
        matrices: A, ``(n, K, K)``.
    """
    if _whole(matrices):
        return torch.linalg.inv(matrices)
    return torch.stack([torch.linalg.inv(a) for a in matrices])


def _whole(matrices: Tensor) -> bool:
    return matrices.device.type != "cpu" or matrices.shape[-1] <= SAFE or not len(matrices)

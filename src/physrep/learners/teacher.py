"""A teacher: a copy of a network that follows it as a moving average and has no gradient."""

from __future__ import annotations

import copy

import torch
from torch import nn


def teacher_of(student: nn.Module) -> nn.Module:
    """A copy without gradients."""
    return copy.deepcopy(student).requires_grad_(False)


@torch.no_grad()
def follow(teacher: nn.Module, student: nn.Module, momentum: float) -> None:
    """``teacher = m teacher + (1 - m) student``; buffers are copied.

    Args:
        teacher: a copy of ``student``, see `teacher_of`.
        student: whose optimiser step is done.
        momentum: m, in [0, 1].
    """
    for mine, theirs in zip(teacher.parameters(), student.parameters(), strict=True):
        mine.lerp_(theirs, 1 - momentum)
    for mine, theirs in zip(teacher.buffers(), student.buffers(), strict=True):
        mine.copy_(theirs)

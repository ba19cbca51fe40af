"""Tokens of windows that are read together with the others of their trajectory (`JoinsWindows`), or one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import Tensor

from ..clip import Clip
from .abilities import JoinsWindows
from .base import Learner


def joining(learner: Any) -> JoinsWindows | None:
    """The learner itself if it joins the windows of a trajectory, else None."""
    return learner if isinstance(learner, JoinsWindows) and learner.join_windows else None


def joined_tokens(learner: JoinsWindows, evidence: Tensor, trajectory: Tensor) -> Tensor:
    """Tokens ``(B, N, D)``: of every window those of its trajectory, float32.

    Args:
        learner: joins windows.
        evidence: of B windows, ``(B, E)``; all those of a trajectory that are to count.
        trajectory: of each window, ``(B,)``.
    """
    _, place = trajectory.to(evidence.device).unique(return_inverse=True)
    return learner.joined(evidence, place).float()[place]


def encode_trajectories(learner: Learner, clip: Clip) -> Tensor:
    """Tokens ``(B, N, D)`` of the windows of a clip, float32, on the CPU.

    A learner that joins windows reads those of one trajectory together; any other encodes each by itself.

    Args:
        learner: frozen; the clip goes to where it lies.
        clip: windows, of each trajectory all that are to count (`trajectory_batches`).
    """
    clip = clip.to(learner.field_mean.device)
    if (join := joining(learner)) is None:
        return learner.encode(clip).float().cpu()
    return joined_tokens(join, join.evidence(clip), clip.trajectory).cpu()


def trajectory_batches(learner: Learner, windows: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Windows in batches of this size; of a learner that joins windows, of about this size and whole trajectories.

    Args:
        learner: that reads them.
        windows: rows (trajectory, start), those of a trajectory in a row, ``(n, 2)``.
        size: windows per batch.
    """
    if joining(learner) is None:
        yield from (windows[first : first + size] for first in range(0, len(windows), size))
        return
    edges = [0, *(np.flatnonzero(np.diff(windows[:, 0])) + 1).tolist(), len(windows)]
    first = 0
    for here, after in itertools.pairwise(edges):
        # The next trajectory would make it too large.
        if here > first and after - first > size:
            yield windows[first:here]
            first = here
    yield windows[first:]

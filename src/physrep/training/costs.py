"""What a training costs: floating-point operations, and the peak of memory.

Operations are counted where torch dispatches them (matrix products, convolutions, attention; a multiply-add is 2), in
one loss with its backward pass. Element-wise operations and the optimiser are not counted.
"""

from __future__ import annotations

import contextlib
import copy
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..nn.plain import plain_operators
from .operations import OperationCounter

if TYPE_CHECKING:
    from ..clip import Clip
    from ..learners.base import Learner


def training_flops(learner: Learner, clip: Clip) -> float:
    """Operations of loss and backward pass per clip, in training mode.

    The learner is copied, and torch's random numbers are put back, so that counting changes nothing.

    Args:
        learner: what is trained.
        clip: a batch of `train_frames` frames with shape ``(B, C, T, H, W)``, at least 2 clips.
    """
    probe = copy.deepcopy(learner).train()
    devices = [clip.fields.device] if clip.fields.device.type == "cuda" else []
    with torch.random.fork_rng(devices), plain_operators(), OperationCounter() as counter:
        probe.loss(clip)["loss"].backward()
    return counter.total / len(clip)


def encoding_flops(learner: Learner, clip: Clip) -> float:
    """Operations of `encode` per clip of `num_frames` frames."""
    training = learner.training
    with torch.no_grad(), plain_operators(), OperationCounter() as counter:
        learner.eval().encode(clip)
    learner.train(training)
    return counter.total / len(clip)


class PeakMemory:
    """Largest memory in use since the block began, in bytes: of this process, or of the GPU if one computes.

    `peak` is None where the system does not tell (a CPU without Linux's ``/proc``).
    """

    def __init__(self, device: str = "cpu") -> None:
        self.cuda = device != "cpu" and torch.cuda.is_available()

    def __enter__(self) -> PeakMemory:
        if self.cuda:
            torch.cuda.reset_peak_memory_stats()
        else:
            # 5 sets the high-water mark of the resident set back to what is resident now.
            with contextlib.suppress(OSError):
                Path("/proc/self/clear_refs").write_text("5")
        return self

    def __exit__(self, *error: object) -> None:
        return None

    @property
    def peak(self) -> int | None:
        if self.cuda:
            return torch.cuda.max_memory_allocated()
        try:
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        except OSError:
            pass
        return None

"""What a learner will cost, measured in seconds on a few clips of random numbers: operations, time, memory, tokens.

Shapes, operations and the tensors that the backward pass keeps are counted on torch's device ``meta`` at the size that
is asked for, which computes nothing. Time is measured on a grid of 32 or 64 points per axis and grows with the
operations; on a GPU it is measured at full size.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..clip import Clip
from ..learners.abilities import FitsInClosedForm, TakesLabels
from ..run_directory import build_learner
from .clip_shape import CLIPS, ClipShape
from .measured import Pass, pass_cost

if TYPE_CHECKING:
    from ..learners.base import Learner


@dataclass
class CostEstimate:
    """Costs per clip; NaN where they could not be measured, and `note` says why.

    Attributes:
        train_flops, train_seconds: of loss and backward pass.
        train_memory: bytes that the backward pass keeps.
        encode_flops, encode_seconds: of encoding.
        weights: bytes of weights and buffers.
        trained: numbers that are trained.
        tokens, width: of one window.
    """

    train_flops: float = math.nan
    train_seconds: float = math.nan
    train_memory: float = math.nan
    encode_flops: float = math.nan
    encode_seconds: float = math.nan
    weights: int = 0
    trained: int = 0
    tokens: int = 0
    width: int = 0
    note: str = ""
    closed_form: bool = False
    train_frames: int = field(default=0, repr=False)

    def training_bytes(self, batch: int) -> float:
        """Weights, gradients, AdamW's two moments, and what the backward pass of a batch keeps."""
        return self.weights + 12 * self.trained + self.train_memory * batch


def estimate_costs(
    learner: str,
    options: dict[str, Any],
    num_frames: int,
    shape: ClipShape,
    trained: bool,
    device: str = "cpu",
    known: dict[Any, float] | None = None,
) -> CostEstimate:
    """Measure a learner that is built anew and thrown away.

    Args:
        learner, options, num_frames: as in `physrep.training.pretrain.pretrain`.
        shape: of the clips.
        trained: whether it is trained, or only encodes.
        device: where the time is measured.
        known: filled and read where several learners share an encoder; see `physrep.training.measured.pass_cost`.

    Raises:
        PhysrepError: the learner cannot be built.
    """
    config = {
        "learner": learner, "options": options, "in_channels": len(shape.channels), "num_frames": num_frames,
        "parameters": dict.fromkeys(shape.parameters, "linear"), "system": shape.system,
    }  # fmt: skip
    with torch.random.fork_rng([]):
        module = build_learner(config)
        module.set_normalisation(shape.channels, [0.0] * len(shape.channels), [1.0] * len(shape.channels))
        if isinstance(module, TakesLabels):
            module.set_labels(dict.fromkeys(shape.parameters, 0.0), dict.fromkeys(shape.parameters, 1.0))
        return _measured(module, shape, trained, device, known)


def _measured(
    module: Learner, shape: ClipShape, trained: bool, device: str, known: dict[Any, float] | None
) -> CostEstimate:
    parts = [*module.parameters(), *module.buffers()]
    found = CostEstimate(
        weights=sum(part.numel() * part.element_size() for part in parts),
        trained=sum(p.numel() for p in module.parameters() if p.requires_grad) if trained else 0,
        closed_form=isinstance(module, FitsInClosedForm),
        train_frames=module.train_frames,
    )
    module = module.to(device)
    if found.closed_form:
        found.note = "fitted in closed form; its time is not measured"
        return found

    def work(call: Callable[[Any, Clip], Tensor], frames: int, backward: bool) -> Pass:
        return Pass(module, call, partial(shape.clip, frames), shape.points, backward)

    if trained:
        module.train()
        cost = pass_cost(work(lambda own, clip: own.loss(clip)["loss"], module.train_frames, True), device)
        found.train_flops, found.train_memory = cost.flops / CLIPS, cost.kept / CLIPS
        found.train_seconds = cost.seconds / CLIPS
    with torch.no_grad():
        module.eval()
        cost = pass_cost(work(lambda own, clip: own.encode(clip), module.num_frames, False), device, known)
    found.encode_flops, found.encode_seconds = cost.flops / CLIPS, cost.seconds / CLIPS
    found.tokens, found.width = cost.shape[1:]
    if math.prod(cost.points) < math.prod(shape.points):
        found.note = f"scaled from {'x'.join(map(str, cost.points))} points by the number of points"
    return found

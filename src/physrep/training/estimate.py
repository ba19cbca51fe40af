"""What a learner will cost, measured in seconds on two clips of random numbers: operations, time, memory, tokens.

Shapes, operations and the tensors that the backward pass keeps are counted on torch's device ``meta`` at the size that
is asked for, which computes nothing. Time is measured on a grid of 32 or 64 points per axis and grows with the
operations; on a GPU it is measured at full size.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ..clip import Clip
from ..errors import PhysrepError
from ..learners.abilities import FitsInClosedForm, TakesLabels
from ..nn.plain import plain_operators
from ..run_directory import build_learner
from .clip_shape import CLIPS, ClipShape

if TYPE_CHECKING:
    from ..learners.base import Learner

SIDES, QUICK, LONG, SLOW = (32, 64), 0.15, 1.0, 8.0


@dataclass
class Estimate:
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


def estimate(
    learner: str, options: dict[str, Any], num_frames: int, shape: ClipShape, trained: bool, device: str = "cpu"
) -> Estimate:
    """Measure a learner that is built anew and thrown away.

    Args:
        learner, options, num_frames: as in `physrep.training.pretrain.pretrain`.
        shape: of the clips.
        trained: whether it is trained, or only encodes.
        device: where the time is measured.

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
        return _measured(module, shape, trained, device)


def _measured(module: Learner, shape: ClipShape, trained: bool, device: str) -> Estimate:
    parts = [*module.parameters(), *module.buffers()]
    found = Estimate(
        weights=sum(part.numel() * part.element_size() for part in parts),
        trained=sum(p.numel() for p in module.parameters() if p.requires_grad) if trained else 0,
        closed_form=isinstance(module, FitsInClosedForm),
        train_frames=module.train_frames,
    )
    module = module.to(device)
    if found.closed_form:
        found.note = "fitted in closed form; its time is not measured"
        return found
    if trained:
        loss = lambda own, clip: own.loss(clip)["loss"]  # noqa: E731
        large = _on_meta(module.train(), loss, shape, module.train_frames, backward=True)
        small, (seconds, flops, kept, _) = _timed(module, loss, shape, module.train_frames, device, True, large is None)
        growth = math.prod(shape.points) / math.prod(small)
        flops = _flops_at(small, large, flops, module, loss, shape, module.train_frames, True)
        ratio = large[0] / flops if large and flops > 0 else growth
        found.train_flops = flops * ratio / CLIPS
        found.train_memory = (large[1] if large else kept * growth) / CLIPS
        found.train_seconds = seconds * ratio / CLIPS
    encode = lambda own, clip: own.encode(clip)  # noqa: E731
    with torch.no_grad():
        large = _on_meta(module.eval(), encode, shape, module.num_frames)
        small, (seconds, flops, _, tokens) = _timed(
            module, encode, shape, module.num_frames, device, count=large is None
        )
        growth = math.prod(shape.points) / math.prod(small)
        flops = _flops_at(small, large, flops, module, encode, shape, module.num_frames)
    ratio = large[0] / flops if large and flops > 0 else growth
    found.encode_flops, found.encode_seconds = flops * ratio / CLIPS, seconds * ratio / CLIPS
    count, found.width = (large[2] if large else tuple(tokens.shape))[1:]
    found.tokens = round(count)
    if growth > 1 and not large:
        found.note = f"scaled from {'x'.join(map(str, small))} points by the number of points"
        found.tokens = round(count * growth) if count > 1 else 1
    return found


def _timed(
    module: Learner,
    work: Callable[[Any, Clip], Tensor],
    shape: ClipShape,
    frames: int,
    device: str,
    backward: bool = False,
    count: bool = True,
) -> tuple[tuple[int, ...], tuple[float, float, float, Tensor]]:
    """The largest of the small grids that is quick, and what `_run` finds on it."""
    if device != "cpu":
        return shape.points, _run(module, work, shape.clip(frames, shape.points, device), backward, count)
    found: Any = None
    for side in SIDES:
        small = tuple(min(n, side) for n in shape.points)
        if found and (found[0] == small or found[1][0] > QUICK):
            break
        try:
            found = small, _run(module, work, shape.clip(frames, small, device), backward, count)
        except (RuntimeError, PhysrepError):
            # An encoder may refuse a grid that its strides leave nothing of.
            if side == SIDES[-1]:
                raise
    return found


def _run(
    module: Learner, work: Callable[[Any, Clip], Tensor], clip: Clip, backward: bool = False, count: bool = True
) -> tuple[float, float, float, Tensor]:
    """Seconds, operations, bytes kept for the backward pass (NaN where they are not counted), and the result."""
    kept, flops, result, begun = {}, math.nan, None, _now()
    if count:
        # An adjoint method that differentiates inside of a backward pass cannot be counted.
        with contextlib.suppress(RuntimeError), plain_operators(), _counted() as (counter, kept):
            result = work(module, clip)
            if backward:
                result.backward()
            flops = counter.get_total_flops()
    if not math.isfinite(flops):
        kept, begun = {}, _now()
        result = work(module, clip)
        if backward:
            result.backward()
        _wait(clip)
    seconds = _since(begun)
    if seconds < (SLOW if math.isfinite(flops) else LONG):
        # The first pass imports, warms up and is slowed by counting; short ones are repeated: others share the machine.
        seconds, spent = math.inf, 0.0
        for number in range(20):
            _wait(clip)
            begun = _now()
            result = work(module, clip)
            if backward:
                result.backward()
            _wait(clip)
            passed = _since(begun)
            seconds, spent = min(seconds, passed), spent + passed
            if spent > (LONG, LONG / 2, QUICK)[min(number, 2)]:
                break
    module.zero_grad(set_to_none=True)
    assert result is not None
    return seconds, flops, sum(kept.values()) if kept else math.nan, result.detach()


def _flops_at(
    small: tuple[int, ...],
    large: tuple[float, float, tuple[int, ...]] | None,
    counted: float,
    module: Learner,
    work: Callable[[Any, Clip], Tensor],
    shape: ClipShape,
    frames: int,
    backward: bool = False,
) -> float:
    """Operations on a small grid: counted while it was timed, or on ``meta`` as at full size."""
    if large is None:
        return counted
    found = large if small == shape.points else _on_meta(module, work, shape, frames, backward, small)
    return large[0] * math.prod(small) / math.prod(shape.points) if found is None else found[0]


def _on_meta(
    module: Learner,
    work: Callable[[Any, Clip], Tensor],
    shape: ClipShape,
    frames: int,
    backward: bool = False,
    points: Sequence[int] | None = None,
) -> tuple[float, float, tuple[int, ...]] | None:
    """Operations, bytes kept and shape of the result, by default at full size; None where real numbers are needed."""
    import copy

    try:
        names = [getattr(part, "channel_names", None) for part in module.modules()]
        hollow = copy.deepcopy(module).to("meta")
        # Names are read as values, so they stay.
        for part, own in zip(hollow.modules(), names, strict=True):
            if own is not None:
                part.channel_names = own
        with plain_operators(), _counted() as (counter, kept):
            result = work(hollow, shape.clip(frames, points or shape.points, "meta"))
            if backward:
                result.backward()
    except Exception:  # whatever asks a tensor for its values says so in words of its own
        return None
    return counter.get_total_flops(), sum(kept.values()), tuple(result.shape)


@contextlib.contextmanager
def _counted() -> Iterator[tuple[FlopCounterMode, dict[int, int]]]:
    kept: dict[int, int] = {}
    alive: list[Any] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage.nbytes()
        alive.append(storage)  # an address that is free again would be counted once for two
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with hooks, FlopCounterMode(display=False) as counter:
        yield counter, kept


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(begun: tuple[float, float]) -> float:
    """Seconds: of this process where others take their share of the cores, which says nothing of the work."""
    wall, own = (now - then for now, then in zip(_now(), begun, strict=True))
    return min(wall, own) if not torch.cuda.is_available() else wall


def _wait(clip: Clip) -> None:
    if clip.fields.device.type == "cuda":
        torch.cuda.synchronize(clip.fields.device)

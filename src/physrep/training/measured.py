"""One pass of a learner, measured: counted on torch's device ``meta`` at full size, timed on a small grid."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from ..nn.plain import plain_operators
from .operations import OperationCounter

if TYPE_CHECKING:
    from ..clip import Clip
    from ..learners.base import Learner

# Points per axis of the grids that are timed.
SIDES = (32, 64)
# Operations per second that any machine of today reaches, and seconds: a pass is timed on the larger grid where it is
# short there, is repeated while its passes took less than ENOUGH together, and is not repeated from SLOW on.
RATE, SHORT, ENOUGH, SLOW = 3e10, 0.6, 0.3, 2.0
MANY = 8


@dataclass(frozen=True)
class Pass:
    """What is measured.

    Attributes:
        module: the learner, in the mode that is wanted.
        call: the pass; gives a loss or tokens.
        clip: clips of random numbers by points per axis, device, and number if not two.
        points: per axis at full size.
        backward: whether the backward pass belongs to it.
    """

    module: Learner
    call: Callable[[Any, Clip], Tensor]
    clip: Callable[..., Clip]
    points: tuple[int, ...]
    backward: bool = False

    def once(self, module: Any, clip: Clip) -> Tensor:
        """The pass; gives its result without a graph."""
        return self.finished(self.call(module, clip), clip)

    def finished(self, result: Tensor, clip: Clip) -> Tensor:
        """The pass from what the forward pass gave."""
        if self.backward:
            result.backward()
        if clip.fields.device.type == "cuda":
            torch.cuda.synchronize(clip.fields.device)
        return result.detach()


@dataclass(frozen=True)
class PassCost:
    """Of one pass over all clips; NaN where it could not be found.

    Attributes:
        seconds, flops: time and operations.
        kept: bytes that the backward pass keeps.
        shape: of the result.
        points: per axis of the grid that this was found on.
    """

    seconds: float
    flops: float
    kept: float
    shape: tuple[int, ...]
    points: tuple[int, ...]

    def scaled(self, points: tuple[int, ...]) -> PassCost:
        """The same by the number of points, tokens too if there are several."""
        growth = math.prod(points) / math.prod(self.points)
        grown = tuple(round(n * growth) if i == 1 and n > 1 else n for i, n in enumerate(self.shape))
        return PassCost(self.seconds * growth, self.flops * growth, self.kept * growth, grown, self.points)


def pass_cost(work: Pass, device: str, known: dict[Any, float] | None = None) -> PassCost:
    """The cost at full size; `points` says what it was scaled from where nothing could be counted at full size.

    Args:
        work: what is measured.
        device: where it is timed.
        known: seconds of passes that were timed before, by what was counted of them. Two passes with the same
            operations, the same bytes and the same result are taken for one: encoders of several learners often are.

    Raises:
        PhysrepError, RuntimeError: the learner takes none of the grids.
    """
    large = _on_meta(work)
    key = (work.backward, large.flops, large.kept, large.shape) if large and large.flops else None
    if known is not None and key in known:
        assert large is not None
        return replace(large, seconds=known[key])
    found = _timed(work, device, large)
    if large is None:
        return found.scaled(work.points)
    growth = large.flops / found.flops if found.flops > 0 else math.prod(large.points) / math.prod(found.points)
    cost = replace(large, seconds=found.seconds * growth)
    if known is not None and key is not None:
        known[key] = cost.seconds
    return cost


def _on_meta(work: Pass) -> PassCost | None:
    """Operations, bytes and shape at full size; None where the pass needs real numbers."""
    try:
        names = [getattr(part, "channel_names", None) for part in work.module.modules()]
        parts = [*work.module.parameters(), *work.module.buffers()]
        # The copy is made of hollow parts: weights of gigabytes are not copied to be thrown away.
        hollow = copy.deepcopy(work.module, {id(part): _hollow(part) for part in parts}).to("meta")
        # Names are read as values, so they stay.
        for part, own in zip(hollow.modules(), names, strict=True):
            if own is not None:
                part.channel_names = own
        return _counted(replace(work, module=hollow), work.clip(work.points, "meta"), work.points)
    except Exception:  # whatever asks a tensor for its values says so in words of its own
        return None


def _hollow(part: Tensor) -> Tensor:
    if isinstance(part, torch.nn.Parameter):
        return torch.nn.Parameter(part.detach().to("meta"), part.requires_grad)
    return part.to("meta")


def _counted(work: Pass, clip: Clip, points: tuple[int, ...]) -> PassCost:
    begun = _now()
    with plain_operators(), OperationCounter() as counter:
        # What is computed anew in the backward pass (checkpoints, adjoint methods) is kept for moments only.
        with _bytes_kept(work.module) as kept:
            result = work.call(work.module, clip)
        result = work.finished(result, clip)
    # A pass of very many small operators takes twice as long while each is counted.
    seconds = _since(begun)
    if seconds > SLOW:
        seconds = max(seconds - counter.calls * _seconds_per_count(clip.fields.device), seconds / 4)
    return PassCost(seconds, counter.total, sum(kept.values()), tuple(result.shape), points)


def _timed(work: Pass, device: str, large: PassCost | None) -> PassCost:
    """The pass on the largest grid on which it is short, counted once and then timed."""
    if device != "cpu":
        return _repeated(work, device, work.points)
    grids = [tuple(min(n, side) for n in work.points) for side in SIDES]
    if large and 0 < large.flops * math.prod(grids[-1]) / math.prod(work.points) / RATE < SHORT:
        return _repeated(work, device, grids[-1])
    try:
        found = _repeated(work, device, grids[0])
    except (RuntimeError, PhysrepError):
        # An encoder may refuse a grid that its strides leave nothing of.
        return _repeated(work, device, grids[-1])
    unknown = large is None or not large.flops
    short = found.seconds * math.prod(grids[-1]) / math.prod(grids[0]) < SHORT
    return _repeated(work, device, grids[-1]) if unknown and short and grids[0] != grids[-1] else found


def _repeated(work: Pass, device: str, points: tuple[int, ...]) -> PassCost:
    """The shortest of some passes: the first imports, warms up and is slowed by counting; others share the machine."""
    clip = work.clip(points, device)
    cost = _counted(work, clip, points)
    if device == "cpu" and cost.seconds > SLOW:
        work.module.zero_grad(set_to_none=True)
        return cost
    seconds, share = math.inf, 1.0
    if device == "cpu" and cost.seconds < ENOUGH / 2:
        # Of a short pass of two clips a good part is what every operator takes for itself; batches are larger.
        clip, share = work.clip(points, device, MANY), len(clip) / MANY
    spent, passes = 0.0, 0
    while spent < ENOUGH and passes < 8:
        begun = _now()
        work.once(work.module, clip)
        passed, passes = _since(begun), passes + 1
        seconds, spent = min(seconds, passed), spent + passed
    work.module.zero_grad(set_to_none=True)
    return replace(cost, seconds=share * seconds)


@contextlib.contextmanager
def _bytes_kept(module: torch.nn.Module) -> Iterator[dict[int, int]]:
    """Bytes by storage; weights are there anyway, and do not grow with the clips."""
    kept: dict[int, int] = {}
    weights = {part.untyped_storage()._cdata for part in module.parameters()}
    alive: list[Any] = []

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = storage.nbytes()
            alive.append(storage)  # an address that is free again would be counted once for two
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield kept


def _seconds_per_count(device: torch.device) -> float:
    """What counting adds to one operator."""
    took, small = [], torch.zeros(1, device=device)
    for mode in (contextlib.nullcontext(), OperationCounter()):
        begun = _now()
        with mode:
            for _ in range(1000):
                small = small + 1
        took.append(_since(begun) / 1000)
    return max(0.0, took[1] - took[0])


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(begun: tuple[float, float]) -> float:
    """Seconds: of this process where others take their share of the cores, which says nothing of the work."""
    wall, own = (now - then for now, then in zip(_now(), begun, strict=True))
    return min(wall, own) if not torch.cuda.is_available() else wall

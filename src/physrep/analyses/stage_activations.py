"""What every stage of an encoder holds: pooled activations, one set of features per top-level block."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..learners.base import Learner


def stage_modules(encoder: nn.Module) -> list[tuple[str, nn.Module]]:
    """Top-level blocks in order: the children of the encoder, lists and sequences of blocks taken apart."""
    found: list[tuple[str, nn.Module]] = []
    for name, child in encoder.named_children():
        parts = list(child.named_children()) if isinstance(child, (nn.Sequential, nn.ModuleList)) else []
        found += [(f"{name}.{index}", part) for index, part in parts] if parts else [(name, child)]
    return found


@torch.inference_mode()
def stage_moments(learner: Learner, clips: Iterator[Clip]) -> dict[str, Tensor]:
    """Mean and standard deviation over positions of what each block gives out, float64 ``(windows, 2 channels)``.

    The stage ``input`` is the normalised fields themselves. Blocks that give no tensor ``(B, ..., D)`` or
    ``(B, D, ...)`` are left out, and so are those that are not called exactly once per clip.

    Args:
        learner: with an attribute ``encoder``.
        clips: batches of windows.
    """
    encoder = learner.encoder
    assert isinstance(encoder, nn.Module)
    seen: dict[str, list[Tensor]] = {}
    calls = 0
    handles = [
        block.register_forward_hook(lambda module, _, out, name=name: _store(seen, name, module, out))
        for name, block in stage_modules(encoder)
    ]
    inputs: list[Tensor] = []
    try:
        for clip in clips:
            inputs.append(_moments(learner.fields(clip, learner.num_frames), 1))
            learner.encode(clip)
            calls += 1
    finally:
        for handle in handles:
            handle.remove()
    total = sum(len(part) for part in inputs)
    stages = {name: torch.cat(parts) for name, parts in seen.items() if len(parts) == calls}
    return {"input": torch.cat(inputs), **{name: part for name, part in stages.items() if len(part) == total}}


def _store(seen: dict[str, list[Tensor]], name: str, module: nn.Module, out: object) -> None:
    if not isinstance(out, Tensor) or out.ndim < 3:
        return
    axis = _channel_axis(module, out)
    seen.setdefault(name, []).append(_moments(out, axis))


def _channel_axis(module: nn.Module, out: Tensor) -> int:
    """The axis that the block's last bias or gain belongs to; the last one where that does not tell."""
    widths = [len(p) for p in module.parameters() if p.ndim == 1]
    first_only = widths and out.shape[1] == widths[-1] and out.shape[-1] != widths[-1]
    return 1 if out.ndim > 3 and first_only else out.ndim - 1


def _moments(x: Tensor, axis: int) -> Tensor:
    rows = x.movedim(axis, 1).flatten(2).double()
    std, mean = torch.std_mean(rows, dim=2, correction=0)
    return torch.cat([mean, std], 1).cpu()

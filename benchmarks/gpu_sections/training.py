"""Training at 224 points: clips per second, memory and fraction of the card's peak of each learner.

A step is loss, backward pass and AdamW. "plain" is the reference of `benchmarks/learners.py` (plain torch modules, or
the transformers library), with the same weights; its loss is compared first. `of_peak` divides by this card's measured
matrix product of the same precision (float32 and TF32 steps both by TF32's where TF32 is allowed).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import learners as table
import torch
from torch import Tensor, nn

from gpu_sections.common import Report, seconds, set_tf32, top_kernels
from physrep.learners import LEARNERS
from physrep.training.costs import training_flops

# Name in `learners.CASES` (or new), kind, options, batch.
CASES: tuple[tuple[str, str, dict[str, Any], int], ...] = (
    ("jepa", "jepa", {"encoder": "convnext3d"}, 4),
    ("videomae base", "videomae", {"size": "base"}, 8),
    ("mpp tiny", "mpp", {"size": "tiny", "layer_scale": 0.3}, 8),
    ("disco", "disco", {}, 2),
)
PRECISIONS = ("float32", "tf32", "bfloat16")


def run(report: Report) -> None:
    """All learners and precisions, ours and plain; then the encoder with torch.compile."""
    peaks_file = report.out / "peaks.json"
    peaks = json.loads(peaks_file.read_text()) if peaks_file.is_file() else {}
    cases = (("jepa", "jepa", {"encoder": "convnext3d"}, 1),) if report.small else CASES
    for name, kind, options, batch in cases:
        with report.case(name, 8) as go:
            if go:
                _learner(report, name, kind, options, batch, peaks)
    if report.cuda:
        with report.case("jepa compiled", 30) as go:
            if go:
                _compiled(report)


def _learner(
    report: Report, name: str, kind: str, options: dict[str, Any], batch: int, peaks: dict[str, float]
) -> None:
    device, size = report.device, 32 if report.small else 224
    torch.manual_seed(0)
    learner: Any = LEARNERS[kind](table.CHANNELS, table.FRAMES, **options).to(device).train()
    clip = table.clip_of(learner, learner.train_frames, batch, size, device)
    one = table.clip_of(learner, learner.train_frames, 1, size, device)
    # The library's operators are counted, own kernels are not.
    os.environ["PHYSREP_GPU_KERNELS"] = "library"
    flops = training_flops(learner, one) if report.left() > 5 else 0.0
    plain = table.reference(name, learner, clip)
    if plain is not None:
        set_tf32(False)
        with torch.no_grad():
            expected, value = float(plain[1]()), float(learner.loss(clip)["loss"])
        report.check(f"{name}: loss against plain", abs(value - expected) / abs(expected), 1e-3)
    sides: list[tuple[str, nn.Module, Callable[[], Tensor]]] = [("ours", learner, lambda: learner.loss(clip)["loss"])]
    if name == "jepa" and report.cuda:
        sides = [("ours, triton", *sides[0][1:]), *(sides if report.left() > 150 else [])]
    if plain is not None:
        sides.append(("plain", plain[0], plain[1]))
    for precision in PRECISIONS if report.cuda else ("float32",):
        set_tf32(precision == "tf32")
        rates = {}
        for side, module, loss in sides:
            os.environ["PHYSREP_GPU_KERNELS"] = "triton" if "triton" in side else "library"
            with report.case(f"{name} {side} {precision}", 3) as go:
                if go:
                    rates[side] = _rate(report, name, side, precision, module, loss, batch, flops, peaks)
        for side in rates:
            if side != "plain" and "plain" in rates:
                report.row(
                    f"{name} ratio", precision=precision, side=side, plain_over_ours=rates[side] / rates["plain"]
                )
    if report.cuda and report.left() > 6:
        os.environ["PHYSREP_GPU_KERNELS"] = "triton"
        step = _step(learner, sides[0][2], "bfloat16", report.device)
        with report.case(f"profile {name}", 5) as go:
            if go:
                top_kernels(step, report, f"{name} bfloat16", 14)


def _step(module: nn.Module, loss: Callable[[], Tensor], precision: str, device: str) -> Callable[[], None]:
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-6, fused=device != "cpu")

    def step() -> None:
        optimiser.zero_grad()
        reduced = precision == "bfloat16"
        with torch.autocast(device, dtype=torch.bfloat16) if reduced else nullcontext():
            value = loss()
        value.backward()
        optimiser.step()

    return step


def _rate(
    report: Report, name: str, side: str, precision: str, module: nn.Module, loss: Callable[[], Tensor], batch: int,
    flops: float, peaks: dict[str, float],
) -> float:  # fmt: skip
    step = _step(module, loss, precision, report.device)
    if report.cuda:
        torch.cuda.reset_peak_memory_stats()
    once = seconds(step, report.device, 1, 1)
    took = once if once > 1.0 else seconds(step, report.device, 3 if once > 0.2 else 6, 1)
    report.row(
        f"{name} {side}",
        precision=precision,
        batch=batch,
        clips_per_s=batch / took,
        gflop_per_clip=flops / 1e9,
        of_peak=flops * batch / took / peaks.get(precision, float("inf")),
        peak_gb=torch.cuda.max_memory_allocated() / 1e9 if report.cuda else 0.0,
    )
    return batch / took


def _compiled(report: Report) -> None:
    """The step with torch's operators in the encoder, as they are and through torch.compile."""
    import time

    os.environ["PHYSREP_GPU_KERNELS"] = "library"
    learner: Any = LEARNERS["jepa"](table.CHANNELS, table.FRAMES, encoder="convnext3d").to(report.device).train()
    clip = table.clip_of(learner, learner.train_frames, 2, 224, report.device)
    set_tf32(True)
    step = _step(learner, lambda: learner.loss(clip)["loss"], "bfloat16", report.device)
    before = seconds(step, report.device, 2, 1)
    begin = time.perf_counter()
    learner.encoder.forward = torch.compile(learner.encoder.forward)
    step()
    torch.cuda.synchronize()
    compiling = time.perf_counter() - begin
    after = seconds(step, report.device, 2, 1)
    report.row("jepa compiled", compile_s=compiling, eager_clips_per_s=2 / before, compiled_clips_per_s=2 / after)

"""What the sections share: the report, clocks, comparisons and synthetic clips."""

from __future__ import annotations

import gc
import json
import statistics
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


class Report:
    """Rows of one section.

    Args:
        section: its name.
        path: file of rows that all sections append to.
        limit: seconds that the section may take; it starts no further case when they are over.
        small: whether sizes are tiny.
        device: what is measured.
    """

    def __init__(self, section: str, path: Path, limit: float, small: bool, device: str) -> None:
        self.section, self.path, self.small, self.device = section, path, small, device
        self.out = path.parent
        self.end = time.monotonic() + limit

    @property
    def cuda(self) -> bool:
        return self.device != "cpu"

    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()

    def row(self, name: str, **values: Any) -> None:
        """Print and keep one result; ``ok`` says whether a check held."""
        row = {"section": self.section, "name": name, **values}
        with open(self.path, "a") as file:
            file.write(json.dumps(row) + "\n")
        shown = " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())
        mark = "FAILED " if values.get("ok") is False or "error" in values else ""
        print(f"  {mark}{name}: {shown}", flush=True)

    def check(self, name: str, error: float, tolerance: float, **values: Any) -> None:
        """A row that holds if ``error <= tolerance``; NaN does not."""
        self.row(name, error_rel=error, tolerance=tolerance, ok=bool(error <= tolerance), **values)

    @contextmanager
    def case(self, name: str, needs: float = 2.0) -> Iterator[bool]:
        """Isolate one case: True if there is time for it; an error becomes a row, and memory is given back."""
        if self.left() < needs:
            self.row(name, skipped=f"{self.left():.0f} s left, needs {needs:.0f}")
            yield False
            return
        try:
            yield True
        except Exception as error:
            traceback.print_exc()
            self.row(name, error=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        gc.collect()
        if self.cuda:
            torch.cuda.empty_cache()


def relative(value: Tensor, reference: Tensor) -> float:
    """``||value - reference|| / ||reference||`` in float64 on the CPU."""
    value, reference = value.detach().cpu().double(), reference.detach().cpu().double()
    return float((value - reference).norm() / reference.norm().clamp(min=1e-300))


def seconds(function: Callable[[], object], device: str, repeats: int = 5, warmup: int = 2) -> float:
    """Median time of a call: CUDA events on a GPU, the wall clock on a CPU."""
    for _ in range(warmup):
        function()
    times = []
    if device == "cpu":
        for _ in range(repeats):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return statistics.median(times)
    for _ in range(repeats):
        before, after = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        before.record()
        function()
        after.record()
        torch.cuda.synchronize()
        times.append(before.elapsed_time(after) / 1000)
    return statistics.median(times)


def synchronize(device: str) -> None:
    """Wait for the GPU."""
    if device != "cpu":
        torch.cuda.synchronize()


def set_tf32(allowed: bool) -> None:
    """Products and convolutions of float32 in TF32, or exact."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def top_kernels(function: Callable[[], object], report: Report, name: str, count: int = 14) -> None:
    """Where one call spends its time on the device, as one row per kernel (`torch.profiler`)."""
    from torch.profiler import ProfilerActivity, profile

    kinds = [ProfilerActivity.CPU, ProfilerActivity.CUDA] if report.cuda else [ProfilerActivity.CPU]
    function()
    synchronize(report.device)
    with profile(activities=kinds) as recorded:
        function()
        synchronize(report.device)
    key = "self_device_time_total" if report.cuda else "self_cpu_time_total"
    events = sorted(recorded.key_averages(), key=lambda event: -getattr(event, key, 0))
    # On a GPU only kernels: the operators that launch them would count the same time again.
    events = [event for event in events if not report.cuda or str(getattr(event, "device_type", "")).endswith("CUDA")]
    total = sum(getattr(event, key, 0) for event in events)
    for event in events[:count]:
        own = getattr(event, key, 0)
        label = " ".join(str(event.key).split())[:150]
        report.row(f"profile {name}", kernel=label, calls=event.count, ms=own / 1000, share=own / max(total, 1e-9))

"""Depthwise convolutions of the JEPA's encoder at 224 points: the library's kernels and this package's.

Per shape and type: forward pass, data gradient and weight gradient, each by the library in both memory layouts and by
the Triton kernels where there are some. The reference is float64 on the same device. The floor is one reading of each
operand and one writing of the result at the card's copy bandwidth.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from gpu_sections.common import Report, relative, seconds, set_tf32

SHAPES = ((16, 16, 224, 224), (32, 8, 112, 112), (64, 4, 56, 56), (128, 2, 28, 28), (128, 1, 14, 14))
"""Channels, frames and points of the five stages for one window of 16 frames."""


def run(report: Report) -> None:
    """All shapes, layouts and types."""
    set_tf32(False)
    batch = 2 if report.small else 8
    if report.cuda:
        _compile_ahead()
    shapes = ((8, 4, 12, 12), (8, 1, 7, 7)) if report.small else SHAPES
    for channels, t, h, w in shapes:
        for dtype in (torch.float32, torch.bfloat16):
            # bfloat16 grouped 3D convolutions corrupt memory on CPUs.
            if not report.cuda and dtype == torch.bfloat16:
                continue
            name = f"{channels}x{t}x{h}x{w}"
            with report.case(name, 3.0) as go:
                if go:
                    _shape(report, name, batch, channels, (t, h, w), dtype)


def _compile_ahead() -> None:
    """Compile the Triton kernels in several processes at once; they are kept on disk for every later process."""
    program = """
import sys, torch
from physrep.nn import depthwise_triton as own
dtype, frames = getattr(torch, sys.argv[1]), int(sys.argv[2])
x = torch.randn(1, 16, frames, 28 if frames > 1 else 14, 28 if frames > 1 else 14, device="cuda", dtype=dtype)
weight = torch.randn(16, 1, frames, 7, 7, device="cuda", dtype=dtype)
padding = [frames // 2, 3, 3]
if not own.available(x):
    sys.exit()
if sys.argv[3] == "forward":
    own.forward(x, weight, weight[:, 0, 0, 0, 0].contiguous(), padding)
    own.data_gradient(x, weight, padding)
    for rows in (8, 16):
        own.forward(x, weight, None, padding, rows=rows)
else:
    own.weight_gradient(x, x, weight.shape[2:], padding, *map(int, sys.argv[4:]))
"""
    begin = time.perf_counter()
    jobs = [(dtype, frames) for dtype in ("float32", "bfloat16") for frames in ("7", "1")]
    kinds = (("forward",), ("weight", "16", "2"), ("weight", "8", "2"))
    processes = [subprocess.Popen([sys.executable, "-c", program, *job, *kind]) for job in jobs for kind in kinds]
    codes = [process.wait() for process in processes]
    print(f"  compiled ahead in {time.perf_counter() - begin:.0f} s, exit status {codes}", flush=True)


def _shape(
    report: Report, name: str, batch: int, channels: int, size: tuple[int, int, int], dtype: torch.dtype
) -> None:
    device = report.device
    torch.manual_seed(0)
    kernel = (7 if size[0] > 1 else 1, 7, 7)
    padding = [k // 2 for k in kernel]
    x = torch.randn(batch, channels, *size, device=device, dtype=dtype)
    dy = torch.randn_like(x)
    weight = torch.randn(channels, 1, *kernel, device=device, dtype=dtype) / kernel[0]
    taps = kernel[0] * 49
    flops = 2 * x.numel() * taps
    few = slice(0, 1)
    exact = _library(x[few].double(), weight.double(), dy[few].double(), padding)
    tolerance = 1e-5 if dtype == torch.float32 else 2e-2
    for layout, memory in (("first", torch.contiguous_format), ("last", torch.channels_last_3d)):
        a, b = x.contiguous(memory_format=memory), dy.contiguous(memory_format=memory)
        got = _library(a[few], weight, b[few], padding)
        _rows(report, name, f"library, channels {layout}", dtype, exact, got, tolerance, flops, {
            "forward": lambda a=a: _forward(a, weight, padding),
            "data": lambda a=a, b=b: _backward(b, a, weight, padding, 0),
            "weight": lambda a=a, b=b: _backward(b, a, weight, padding, 1),
        })  # fmt: skip
    try:
        from physrep.nn import depthwise_triton as own
    except ImportError:
        return
    if not own.available(x):
        return
    a, b = x.contiguous(memory_format=torch.channels_last_3d), dy.contiguous(memory_format=torch.channels_last_3d)
    calls: dict[str, tuple[str, Callable[[Tensor, Tensor], Tensor]]] = {}
    for rows in (own.ROWS,) if report.small else (8, 16):
        calls[f"forward {rows}"] = "forward", lambda a, b, r=rows: own.forward(a, weight, None, padding, rows=r)
    calls["data"] = "data", lambda a, b: own.data_gradient(b, weight, padding)
    for lags, rows in ((own.LAG_COLUMNS, own.GRADIENT_ROWS),) if report.small else ((2, 16), (2, 8)):

        def gradient(a: Tensor, b: Tensor, rows: int = rows, lags: int = lags) -> Tensor:
            return own.weight_gradient(a, b, weight.shape[2:], padding, rows, lags)

        calls[f"weight {lags} {rows}"] = "weight", gradient
    for label, (which, call) in calls.items():
        kind = f"triton {label.partition(' ')[2]}".strip()
        got = {which: call(a[few], b[few])}
        _rows(report, name, kind, dtype, exact, got, tolerance, flops, {which: lambda call=call: call(a, b)})


def _forward(x: Tensor, weight: Tensor, padding: list[int]) -> Tensor:
    return torch.nn.functional.conv3d(x, weight, padding=padding, groups=x.shape[1])


def _backward(dy: Tensor, x: Tensor, weight: Tensor, padding: list[int], which: int) -> Tensor:
    mask = [which == 0, which == 1, False]
    one, zero = [1, 1, 1], [0, 0, 0]
    return torch.ops.aten.convolution_backward(
        dy, x, weight, None, one, padding, one, False, zero, x.shape[1], mask
    )[which]  # fmt: skip


def _library(x: Tensor, weight: Tensor, dy: Tensor, padding: list[int]) -> dict[str, Tensor]:
    return {
        "forward": _forward(x, weight, padding),
        "data": _backward(dy, x, weight, padding, 0),
        "weight": _backward(dy, x, weight, padding, 1),
    }


def _rows(report, name, kind, dtype, exact, got, tolerance, flops, calls) -> None:
    for which, call in calls.items():
        if report.left() < 1:
            return
        once = seconds(call, report.device, 1, 1)
        took = once if once > 0.3 else seconds(call, report.device, 5, 1)
        report.check(
            f"{which} {name}",
            relative(got[which], exact[which]),
            tolerance,
            kind=kind,
            dtype=str(dtype).removeprefix("torch."),
            ms=1000 * took,
            teraflops=flops / took / 1e12,
        )

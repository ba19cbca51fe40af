"""The two ceilings of the card, measured: memory bandwidth and matrix products."""

from __future__ import annotations

import json
import platform

import torch

from gpu_sections.common import Report, seconds, set_tf32


def run(report: Report) -> None:
    """Versions, copy bandwidth, matrix-product peaks; the peaks also go to ``peaks.json`` for the other sections."""
    device = report.device
    card = torch.cuda.get_device_name() if report.cuda else platform.processor() or platform.machine()
    report.row(
        "card",
        card=card,
        torch=torch.__version__,
        cuda=str(torch.version.cuda),
        cudnn=str(torch.backends.cudnn.version()) if report.cuda else "none",
        python=platform.python_version(),
    )
    n = 2**20 if report.small else 2**31
    source = torch.randn(n // 4, device=device)
    target = torch.empty_like(source)
    took = seconds(lambda: target.copy_(source), device, 10)
    report.row("copy", gigabytes_per_s=2 * source.numel() * 4 / took / 1e9)
    size = 256 if report.small else 8192
    peaks = {}
    for name, dtype, tf32 in (
        ("float64", torch.float64, False),
        ("float32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("bfloat16", torch.bfloat16, False),
    ):
        set_tf32(tf32)
        m = size if name != "float64" else size // 2
        a, b = (torch.randn(m, m, device=device, dtype=dtype) for _ in range(2))
        took = seconds(lambda a=a, b=b: a @ b, device, 6)
        peaks[name] = 2 * m**3 / took
        report.row("matrix product", dtype=name, n=m, teraflops=peaks[name] / 1e12)
    (report.out / "peaks.json").write_text(json.dumps(peaks))

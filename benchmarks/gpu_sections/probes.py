"""Embedding with a frozen encoder, and epochs of the attentive probe."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from gpu_sections.cases import make_clip
from gpu_sections.common import Report, relative, set_tf32, synchronize
from physrep.clip import Clip
from physrep.learners import LEARNERS
from physrep.probes.attentive_fit import AttentiveProbeFit
from physrep.tokens.embed import embed

NAMES = ("tracer", "pressure", "velocity_x", "velocity_y")


class Windows:
    """Synthetic windows, held in memory: what is timed is the encoder, the copies and the store."""

    folder, channels, parameter_names = Path("synthetic-0"), NAMES, ("Reynolds", "Schmidt")

    def __init__(self, frames: int, size: int, count: int) -> None:
        self.pool, self.n_trajectories = make_clip(8, frames, size, NAMES), count

    def clip(self, windows: np.ndarray, frames: int, frame_step: int = 1) -> Clip:
        rows = torch.from_numpy(windows[:, 0] % len(self.pool))
        pool = self.pool
        return Clip(
            pool.fields[rows], pool.parameters[rows], pool.channels, pool.parameter_names, 0.1, (0.5, 0.25),
            (True, True), torch.from_numpy(windows[:, 0]), torch.from_numpy(windows[:, 1]),
        )  # fmt: skip


def run(report: Report) -> None:
    """Windows per second of `embed`, its tokens against the CPU's, seconds per epoch of the probe."""
    size, count, batch = (32, 8, 4) if report.small else (224, 256, 32)
    torch.manual_seed(0)
    learner = LEARNERS["jepa"](len(NAMES), 16, encoder="convnext3d", encoder_options={"layer_scale": 0.1})
    source = Windows(16, size, count)
    windows = np.stack([np.arange(count), np.zeros(count, dtype=np.int64)], 1)
    with tempfile.TemporaryDirectory() as folder, report.case("embed", 8) as go:
        if go:
            settings = {"frames": 16, "encode": learner.encode, "batch_size": batch}
            few = embed(learner, source, windows[:2], Path(folder) / "cpu", device="cpu", **settings)
            learner.to(report.device)
            for tf32 in (False, True) if report.cuda else (False,):
                set_tf32(tf32)
                name = "tf32" if tf32 else "float32"
                warm = embed(
                    learner, source, windows[:batch], Path(folder) / f"warm-{name}", device=report.device, **settings
                )
                error = relative(torch.tensor(np.array(warm.tokens[:2])), torch.tensor(np.array(few.tokens[:2])))
                report.check("embed: tokens against the CPU", error, 3e-2 if tf32 else 2e-4, precision=name)
                begin = time.perf_counter()
                embed(learner, source, windows, Path(folder) / name, device=report.device, **settings)
                synchronize(report.device)
                report.row("embed jepa", precision=name, size=size, windows_per_s=count / (time.perf_counter() - begin))
    set_tf32(False)
    for tokens in (8,) if report.small else (196, 16):
        for settings in (1, 6):
            with report.case(f"probe {tokens} tokens", 5) as go:
                if go:
                    _epochs(report, tokens, settings)


def _epochs(report: Report, tokens: int, settings: int) -> None:
    count, epochs = (64, 1) if report.small else (2000, 3)
    x = torch.randn(count, tokens, 128)
    y = x.mean(1)[:, :2] * tokens**0.5
    rates = [1e-3] if settings == 1 else [3e-4, 1e-3, 3e-3]
    decays = [0.01] if settings == 1 else [0.01, 0.3]
    took = {}
    for device in (report.device, "cpu") if report.cuda and settings == 1 else (report.device,):
        for rounds in (1, 1, 1 + epochs):  # the first is not timed: it warms up
            begin = time.perf_counter()
            AttentiveProbeFit(rates, decays, rounds, num_heads=8, mlp_ratio=12.0, device=device).fit(
                x, y, x[:256], y[:256]
            )
            synchronize(device)
            took[device, rounds] = time.perf_counter() - begin
        report.row(
            f"probe {tokens} tokens",
            device=device,
            settings=settings,
            ms_per_epoch=1000 * (took[device, 1 + epochs] - took[device, 1]) / epochs,
            windows=count,
        )

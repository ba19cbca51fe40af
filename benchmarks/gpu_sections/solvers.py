"""Trajectories per second of every solver in one large batch.

The clock runs over everything that `simulate` does before files: starts (drawn on the CPU, one seed at a time),
integration, and frames copied to the CPU. Fewer frames than a stored trajectory are integrated where a whole one takes
too long; `trajectories_per_min` then extrapolates from the frames that were timed to the system's whole length, and
`frames` says how many those were.
"""

from __future__ import annotations

import time

import torch

from gpu_sections.common import Report, synchronize, top_kernels
from physrep.systems import SYSTEMS
from physrep.systems.solver import Setup

CASES = (
    ("shear_flow", (128, 256), (64, 512)),
    ("rayleigh_benard", (128, 32), (128, 1024)),
    ("rayleigh_benard", (256, 64), (64, 512)),
    ("active_matter", (128, 128), (64, 512)),
    ("gray_scott", (128, 128), (64, 512)),
    ("heat", (128, 128), (512,)),
)
SMALL_CASES = (("shear_flow", (16, 32), (2,)), ("rayleigh_benard", (32, 16), (2,)), ("gray_scott", (16, 16), (2,)))


def run(report: Report) -> None:
    """All systems and batches; of the largest shear-flow and Rayleigh-Bénard batches also the kernels."""
    cases = SMALL_CASES if report.small else CASES
    share = max(report.left() / sum(len(batches) for *_, batches in cases) - 1.5, 2.0)
    for name, resolution, batches in cases:
        for batch in batches:
            with report.case(f"{name} {resolution[0]}x{resolution[1]}", 3.0) as go:
                if go:
                    _measure(report, name, resolution, batch, min(share, report.left() - 1))


def _measure(report: Report, name: str, resolution: tuple[int, int], batch: int, budget: float) -> None:
    system = SYSTEMS[name]
    seeds = list(range(batch))
    parameters = system.draw_parameters(seeds, resolution)
    setup = Setup(resolution, system.initial_conditions[0], system.check_options(None), torch.float32, report.device)
    if report.cuda:
        torch.cuda.reset_peak_memory_stats()
    with torch.inference_mode():
        begin = time.perf_counter()
        solver = system.solver(parameters, seeds, None, setup)
        synchronize(report.device)
        start = time.perf_counter() - begin
        # The flow develops over time, so a trajectory begins cheaply: whole ones are integrated where time allows.
        begin, frames, rates = time.perf_counter(), 0, []
        while frames < system.frames - 1 and time.perf_counter() - begin < budget:
            tick = time.perf_counter()
            solver.faults()
            solver.advance(system.save_dt)
            for value in solver.snapshot().values():
                value.cpu()
            rates.append(time.perf_counter() - tick)
            frames += 1
        ended = len(solver.faults())
        # The first frame includes planning of transforms.
        per_frame = sum(rates[1:]) / max(1, frames - 1) if frames > 1 else rates[0]
        whole = start + rates[0] + per_frame * (system.frames - 2)
        report.row(
            f"{name} {resolution[0]}x{resolution[1]}",
            batch=batch,
            frames=frames + 1,
            of=system.frames,
            trajectories_per_min=60 * batch / whole,
            ms_per_frame=1000 * per_frame,
            start_s=start,
            last_over_mean=rates[-1] / per_frame,
            ended=ended,
            peak_gb=torch.cuda.max_memory_allocated() / 1e9 if report.cuda else 0.0,
        )
        if batch >= 512 and name in ("shear_flow", "rayleigh_benard") and report.left() > 6:
            top_kernels(
                lambda: solver.advance(system.save_dt / 4), report, f"{name} {resolution[0]}x{resolution[1]}", 8
            )

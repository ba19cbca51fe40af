"""CPU seconds per Gray-Scott trajectory at the default settings, beside the bare Fourier transforms.

The clock is the process's CPU time on one thread, float32, parameters and starts as drawn. The floor is the time of the
transforms that the method cannot do without (2 inverse and 1 forward per stage, 4 stages per step).

    python benchmarks/gray_scott.py [--trajectories 8]

With --errors it prints instead how far grids and time steps are from finer ones, in a box of side 1 (a quarter of the
square, same spacing); with --patterns how many drawn trajectories hold a pattern at the end (docs/systems).

    python benchmarks/gray_scott.py --errors
    python benchmarks/gray_scott.py --patterns [--trajectories 64]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from physrep.systems.gray_scott.solver import GrayScottSolver
from physrep.systems.gray_scott.system import GrayScott, GrayScott3D
from physrep.systems.grids.fourier_grid import FourierGrid, resample


class Quarter(GrayScott):
    """The same equations in a box of half the side."""

    lengths = (1.0, 1.0)
    origin = (-0.5, -0.5)
    resolution = (64, 64)


class StepCounter:
    """Counts the steps of every trajectory while it is entered."""

    def __enter__(self) -> StepCounter:
        self.total, self._steps = 0, GrayScottSolver.steps
        original, counter = self._steps, self

        def steps(solver: GrayScottSolver, interval: float) -> list[int]:
            counts = original(solver, interval)
            counter.total += sum(counts)
            return counts

        GrayScottSolver.steps = steps  # type: ignore[method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        GrayScottSolver.steps = self._steps  # type: ignore[method-assign]


def stage_time(system: GrayScott, batch: int) -> float:
    """CPU seconds of one stage's transforms, per trajectory."""
    grid = FourierGrid(system.resolution, system.lengths)
    pair = grid.to_spectral(torch.randn(batch, 2, *system.resolution))
    product = torch.randn(batch, *system.resolution)
    start = time.process_time()
    for _ in range(20):
        grid.to_physical(pair)
        grid.to_spectral(product)
    return (time.process_time() - start) / 20 / batch


def print_times(count: int) -> None:
    """The default data sets."""
    print(f"{'system':14} {'CPU s':>7} {'steps':>6} {'floor s':>8}")
    for system, trajectories in ((GrayScott(), count), (GrayScott3D(), max(1, count // 4))):
        parameters = system.draw_parameters(range(trajectories), system.resolution)
        with StepCounter() as counter:
            start = time.process_time()
            system.simulate(parameters, range(trajectories))
            seconds = (time.process_time() - start) / trajectories
        batch = max(1, min(trajectories, system.cache_points // torch.Size(system.resolution).numel()))
        steps = counter.total / trajectories
        floor = 4 * steps * stage_time(system, batch)
        print(f"{system.name:14} {seconds:7.2f} {steps:6.0f} {floor:8.2f}", flush=True)


def print_errors(count: int) -> None:
    """Relative errors of B about its mean: median and worst over drawn trajectories."""
    system, seeds = Quarter(), range(100, 100 + count)
    parameters = system.draw_parameters(seeds, system.resolution)
    save = [("t = 20", 1), ("t = 200", 10), ("t = 1000", 50)]

    def run(n: int, max_dt: float | None = None) -> Tensor:
        result = system.simulate(
            parameters, seeds, resolution=(n, n), frames=51, save_dt=20.0, max_dt=max_dt, dtype=torch.float64
        )
        return result.fields["B"]

    def line(label: str, own: Tensor, reference: Tensor) -> None:
        cells = []
        for _, frame in save:
            exact = resample(reference[:, frame], own.shape[-2:])
            contrast = (exact - exact.mean((1, 2), keepdim=True)).flatten(1).norm(dim=1)
            error = (own[:, frame] - exact).flatten(1).norm(dim=1) / contrast
            cells.append(f"{error.median():8.0e}/{error.max():6.0e}")
        print(f"{label:34} {' '.join(cells)}", flush=True)

    print(f"{'points per unit length; step':34} {' '.join(f'{name:>15}' for name, _ in save)}   median/worst")
    fine = run(112)
    for n in (32, 48, 64, 80, 96):
        line(f"{n}, against 112", run(n), fine)
    reference = run(64, 0.25)
    for step in (None, 1.0, 0.5):
        line(f"64; {'default step' if step is None else f'at most {step:g}'}, against 0.25", run(64, step), reference)


def print_patterns(count: int) -> None:
    """How many drawn trajectories hold a pattern at the end, and how many of these still move."""
    for system, trajectories in ((GrayScott(), count), (GrayScott3D(), max(1, count // 8))):
        for family in system.initial_conditions:
            seeds = range(1000, 1000 + trajectories)
            parameters = system.draw_parameters(seeds, system.resolution)
            end = system.save_dt * (system.frames - 1)
            result = system.simulate(parameters, seeds, frames=21, save_dt=end / 20, initial_condition=family)
            b = result.fields["B"].flatten(2)
            deviation = b[:, -1].std(1)
            change = (b[:, -1] - b[:, -2]).norm(dim=1) / b[:, -1].norm(dim=1)
            moving = (change > 0.01) & (deviation > 0.02)
            print(
                f"{system.name} {family}: {int((deviation > 0.02).sum())} of {trajectories} patterned at t = {end:g} "
                f"(std of B above 0.02), {int(moving.sum())} of them change by more than 1 % over the last "
                f"{end / 20:g}; {len(result.failed)} failed",
                flush=True,
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="CPU seconds per Gray-Scott trajectory.")
    parser.add_argument("--trajectories", type=int, default=8)
    parser.add_argument("--errors", action="store_true", help="print errors of grids and time steps instead")
    parser.add_argument("--patterns", action="store_true", help="count patterns instead")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.errors:
        print_errors(options.trajectories)
    elif options.patterns:
        print_patterns(options.trajectories)
    else:
        print_times(options.trajectories)


if __name__ == "__main__":
    main()

"""Cost of a shear-flow trajectory (T = 10, 101 frames) beside the target and beside the bare Fourier transforms.

The clock is the process's CPU time on one thread; every figure is the best of the repeats, per trajectory. The floor is
the time of the transforms that the method cannot do without (3 inverse and 4 forward per stage, 4 stages per step) for
the number of steps that were taken, measured just before on as many trajectories as the solver takes at a time. FLOP
counts 2.5 N log2 N for a real transform of N points. Parameters are the middle of the resolved range.

    python benchmarks/shear_flow.py [--repeats 3] [--batches 1 4 16] [--dtype float32]

With --errors it prints instead how far a grid is from one twice as fine, over the resolved range (docs/systems).

    python benchmarks/shear_flow.py --errors
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence

import torch
from clock import best

from physrep.systems import SYSTEMS
from physrep.systems.grids.fourier_box import FourierBox
from physrep.systems.shear_flow.solver import ShearFlowSolver

GRIDS = ((32, 64), (64, 64), (64, 128), (128, 128))
TARGETS = {(64, 64): 0.21, (64, 128): 0.33, (128, 128): 1.3}
"""CPU seconds of the reference prototype: The Well's family, fixed step, best batch size for 64 x 128 and 128 x 128."""


class StepCounter:
    """Counts the steps of every trajectory while it is entered."""

    def __enter__(self) -> StepCounter:
        self.total, self._steps = 0, ShearFlowSolver.steps
        original, counter = self._steps, self

        def steps(solver: ShearFlowSolver, physical: torch.Tensor, interval: float) -> list[int]:
            counts = original(solver, physical, interval)
            counter.total += sum(counts)
            return counts

        ShearFlowSolver.steps = steps  # type: ignore[method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        ShearFlowSolver.steps = self._steps  # type: ignore[method-assign]


def transform_time(grid: tuple[int, int], batch: int, dtype: torch.dtype, repeats: int) -> float:
    """CPU seconds of one stage's transforms, per trajectory."""
    batch = min(batch, max(1, SYSTEMS["shear_flow"].cache_points // (grid[0] * grid[1])))
    box = FourierBox(grid, (1.0, 2.0), dtype)
    products = torch.randn(batch, 4, *grid, dtype=dtype)
    modes = box.transform(products[:, :3])
    padded = modes.new_zeros(batch, 3, grid[0], grid[1] // 2 + 1)

    def stages() -> None:
        for _ in range(100):
            box.to_physical(modes, padded)
            box.transform(products)

    stages()
    return best(stages, repeats) / 100 / batch


def row(family: str, grid: tuple[int, int], batch: int, dtype: torch.dtype, repeats: int) -> str:
    """One line of the table."""
    flow = SYSTEMS["shear_flow"]
    middle = {p.name: p.draw(0.5, *flow.default_ranges(grid)[p.name]) for p in flow.parameters}
    parameters = {name: torch.full((batch,), value) for name, value in middle.items()}

    def simulate() -> None:
        flow.simulate(parameters, range(batch), resolution=grid, initial_condition=family, dtype=dtype)

    with StepCounter() as counter:
        simulate()
    steps = counter.total / batch
    floor = 4 * steps * transform_time(grid, batch, dtype, repeats)
    seconds = best(simulate, repeats) / batch
    points = grid[0] * grid[1]
    gigaflop = 4 * steps * 7 * 2.5 * points * math.log2(points) / 1e9
    target = TARGETS.get(grid)
    ratio = f"{target:8.2f} {seconds / target:6.2f}" if target else f"{'':8} {'':6}"
    return (
        f"{family:9} {grid[0]:4d}x{grid[1]:<4d} {batch:3d} {seconds:8.3f} {ratio} {steps:6.0f} {floor:7.3f} "
        f"{seconds / floor:6.2f} {gigaflop:6.2f}"
    )


def print_errors(seeds: Sequence[int]) -> None:
    """Relative errors of tracer (about its mean) and velocity against a grid twice as fine, `diverse` starts."""
    flow = SYSTEMS["shear_flow"]
    print("median / root mean square / worst over the seeds, relative error against a grid twice as fine")
    print(f"{'grid':8} {'Re':>6} {'Sc':>4} {'tracer t = 0.5':>24} {'tracer t = 4':>24} {'velocity t = 4':>24}")
    for grid in ((32, 64), (64, 64), (64, 128)):
        ranges = flow.default_ranges(grid)
        for quantile, schmidt in ((0.0, 1.0), (0.5, 1.0), (1.0, 0.0), (1.0, 0.5), (1.0, 1.0)):
            values = {
                p.name: p.draw(u, *ranges[p.name]) for p, u in zip(flow.parameters, (quantile, schmidt), strict=True)
            }
            parameters = {name: torch.full((len(seeds),), value) for name, value in values.items()}
            runs = [
                flow.simulate(parameters, seeds, resolution=[factor * n for n in grid], frames=9, save_dt=0.5).fields
                for factor in (1, 2)
            ]
            cells = []
            for name, frame in (("tracer", 1), ("tracer", 8), ("velocity", 8)):
                coarse, fine = runs[0][name][:, frame], runs[1][name][:, frame, ::2, ::2]
                contrast = fine - fine.mean((1, 2), keepdim=True)
                error = (coarse - fine).flatten(1).norm(dim=1) / contrast.flatten(1).norm(dim=1)
                cells.append(f"{error.median():8.0e}/{error.square().mean().sqrt():7.0e}/{error.max():7.0e}")
            size = f"{grid[0]}x{grid[1]}"
            print(f"{size:8} {values['Reynolds']:6.0f} {values['Schmidt']:4.2f} {' '.join(cells)}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="CPU seconds per shear-flow trajectory (T = 10, 101 frames).")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--errors", action="store_true", help="print errors against a grid twice as fine instead")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.errors:
        print_errors(range(100, 116))
        return
    print(
        f"{'start':9} {'grid':9} {'B':>3} {'CPU s':>8} {'target':>8} {'ratio':>6} {'steps':>6} {'floor s':>7} "
        f"{'ratio':>6} {'GFLOP':>6}"
    )
    for family in SYSTEMS["shear_flow"].initial_conditions:
        for grid in GRIDS:
            for batch in options.batches:
                print(row(family, grid, batch, getattr(torch, options.dtype), options.repeats), flush=True)


if __name__ == "__main__":
    main()

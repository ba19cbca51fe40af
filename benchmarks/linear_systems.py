"""CPU seconds per trajectory of the systems that are integrated exactly, beside the bare inverse transforms.

The clock is the process's CPU time on one thread; every figure is the best of the repeats, per trajectory of 101 frames
in float32, drawing of the start included. The floor is the inverse transforms of the stored fields alone (FFT, or two
matrix products for fixed edges).

    python benchmarks/linear_systems.py [--repeats 3] [--batch 16]

With --pairs it prints instead the diffusivities that match heat to a partner (docs/systems).

    python benchmarks/linear_systems.py --pairs
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
from clock import best

from physrep.systems import System
from physrep.systems.grids.fourier_grid import FourierGrid
from physrep.systems.grids.sine_grid import SineGrid
from physrep.systems.linear.advection_diffusion import AdvectionDiffusion
from physrep.systems.linear.damped_wave import DampedWave
from physrep.systems.linear.heat import Heat, HeatFixedEdges
from physrep.systems.linear.matched_pairs import PARTNERS, match_heat

SYSTEMS: tuple[System, ...] = (Heat(), HeatFixedEdges(), AdvectionDiffusion(), DampedWave())


def row(system: System, n: int, batch: int, repeats: int) -> str:
    """One line of the table."""
    grid = (n, n)
    parameters = system.draw_parameters(range(batch), grid)
    system.simulate(parameters, range(batch), resolution=grid)  # not counted: tables are made
    seconds = best(lambda: system.simulate(parameters, range(batch), resolution=grid), repeats) / batch
    start = best(lambda: system.simulate(parameters, range(batch), resolution=grid, frames=1), repeats) / batch
    basis = SineGrid(grid, (1.0, 1.0)) if not system.periodic[0] else FourierGrid(grid, (1.0, 1.0))
    coefficients = basis.to_spectral(torch.randn(batch, *grid))
    count = system.frames * len(system.fields)
    basis.to_physical(coefficients)
    floor = best(lambda: [basis.to_physical(coefficients) for _ in range(count)], repeats) / batch
    return f"{system.name:20} {n:4d} {1e3 * seconds:9.2f} {1e3 * start:9.2f} {1e3 * floor:9.2f}"


def print_pairs(count: int) -> None:
    """Spread of the matched diffusivities over drawn pairs, and what remains of the mismatch."""
    print(
        f"{'partner':20} {'start':16} {'found':>9} {'lowest decile':>14} {'median':>9} {'highest':>9} {'residual':>9}"
    )
    for partner, system in PARTNERS.items():
        parameters = system.draw_parameters(range(count), system.resolution)
        for family in system.initial_conditions:
            match = match_heat(partner, parameters, range(count), initial_condition=family)
            kappa = match.diffusivity[match.found]
            deciles = kappa.quantile(torch.tensor([0.1, 0.5, 0.9], dtype=kappa.dtype)).tolist()
            worst = float(match.residual[match.found].abs().max())
            found = f"{len(kappa)}/{count}"
            cells = " ".join(f"{value:{width}.2g}" for value, width in zip(deciles, (14, 9, 9), strict=True))
            print(f"{partner:20} {family:16} {found:>9} {cells} {worst:9.0e}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="CPU milliseconds per trajectory of the linear systems.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--pairs", action="store_true", help="print matched diffusivities instead")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.pairs:
        print_pairs(200)
        return
    print(f"{'system':20} {'grid':>4} {'ms':>9} {'start ms':>9} {'floor ms':>9}")
    for system in SYSTEMS:
        for n in (64, 128, 256):
            print(row(system, n, options.batch, options.repeats), flush=True)


if __name__ == "__main__":
    main()

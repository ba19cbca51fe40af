"""Cost of a Rayleigh-Bénard trajectory (T = 40, 81 frames) beside the target, on one thread.

The clock is the process's CPU time; every figure is the best of the repeats, per trajectory. Pr is 1, Ra the upper end
of the default range of the grid.

    python benchmarks/rayleigh_benard.py [--repeats 3] [--batches 1 4 16] [--dtype float32]

How far a grid is from one with twice as many points each way, over the default range (docs/systems):

    python benchmarks/rayleigh_benard.py --errors

The same start given to Dedalus (Burns et al., Phys. Rev. Research 2 (2020) 023068), where it is installed, on the same
number of points; both against this package on a grid twice as fine:

    python benchmarks/rayleigh_benard.py --dedalus
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence

import torch
from clock import best
from torch import Tensor

from physrep.systems import SYSTEMS
from physrep.systems.grids.chebyshev import gauss, interpolation_matrix, lobatto
from physrep.systems.rayleigh_benard.solver import RayleighBenardSolver

CONVECTION = SYSTEMS["rayleigh_benard"]
GRIDS = ((64, 32), (128, 32), (256, 64))
TARGETS = {
    (64, 32): {1: 1.4, 4: 0.6, 16: 0.4},
    (128, 32): {1: 3.7, 4: 2.0, 16: 1.6},
    (256, 64): {1: 25, 4: 14.5, 16: 13},
}
"""CPU seconds of the reference prototype, steps of 0.08, 0.04 and 0.02."""


class StepCounter:
    """Counts the steps of every trajectory while it is entered."""

    def __enter__(self) -> StepCounter:
        self.total, self._choose = 0, RayleighBenardSolver._choose_steps
        original, counter = self._choose, self

        def choose(solver: RayleighBenardSolver, piece: float, rates: list[float]) -> None:
            original(solver, piece, rates)
            counter.total += sum(solver._steps)

        RayleighBenardSolver._choose_steps = choose  # type: ignore[method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        RayleighBenardSolver._choose_steps = self._choose  # type: ignore[method-assign]


def parameters(rayleigh: float, prandtl: float, batch: int) -> dict[str, Tensor]:
    """The same parameters for a batch."""
    return {"Rayleigh": torch.full((batch,), rayleigh), "Prandtl": torch.full((batch,), prandtl)}


def row(family: str, grid: tuple[int, int], batch: int, dtype: torch.dtype, repeats: int) -> str:
    """One line of the table."""
    values = parameters(CONVECTION.default_ranges(grid)["Rayleigh"][1], 1.0, batch)

    def simulate() -> None:
        CONVECTION.simulate(values, range(batch), resolution=grid, initial_condition=family, dtype=dtype)

    with StepCounter() as counter:
        first = best(simulate, 1)
    seconds = min(first, best(simulate, repeats - 1) if repeats > 1 else first) / batch
    steps = counter.total / batch
    target = TARGETS[grid].get(batch)
    beside = f"{target:8.2f} {seconds / target:6.2f}" if target else f"{'':8} {'':6}"
    return (
        f"{family:9} {grid[0]:4d}x{grid[1]:<4d} {batch:3d} {float(values['Rayleigh'][0]):8.0f} {seconds:8.3f} {beside} "
        f"{steps:6.0f} {1e6 * seconds / steps / 3:10.1f}"
    )


def print_errors(seeds: Sequence[int]) -> None:
    """Relative errors of buoyancy (about 1 - y) and velocity against a grid twice as fine, `diverse` starts."""
    print("median / worst over the seeds, relative error against a grid twice as fine")
    frames = {2.0: 1, 6.0: 3, 12.0: 6}
    print(f"{'grid':8} {'Ra':>7} {'Pr':>4} " + " ".join(f"{f'{name} t = {t:g}':>18}" for t in frames for name in "bu"))
    for grid in GRIDS[:2]:
        low, high = CONVECTION.default_ranges(grid)["Rayleigh"]
        for rayleigh in (low, (low * high) ** 0.5, high):
            for prandtl in (0.2, 1.0, 5.0):
                values = parameters(rayleigh, prandtl, len(seeds))
                coarse, fine = (
                    CONVECTION.simulate(
                        values, seeds, resolution=[factor * n for n in grid], frames=7, save_dt=2.0
                    ).fields
                    for factor in (1, 2)
                )
                cells = []
                for frame in frames.values():
                    for name, walls in (("buoyancy", (1.0, 0.0)), ("velocity", (0.0, 0.0))):
                        a, b = coarse[name][:, frame], on_rows(fine[name][:, frame], grid, walls)
                        contrast = b - (1 - gauss(grid[1]).float()) if name == "buoyancy" else b
                        error = (a - b).flatten(1).norm(dim=1) / contrast.flatten(1).norm(dim=1)
                        cells.append(f"{error.nanmedian():8.0e} /{error.max():8.0e}")
                print(f"{grid[0]:3d}x{grid[1]:<4d} {rayleigh:7.0f} {prandtl:4.1f} {' '.join(cells)}", flush=True)


def on_rows(field: Tensor, grid: tuple[int, int], walls: tuple[float, float]) -> Tensor:
    """A field on the rows of a finer grid, at the points of ``grid``: (B, nx, ny) with components last."""
    vector = field.dim() == 4
    parts = [field[..., i] for i in range(2)] if vector else [field]
    back = torch.linalg.inv(interpolation_matrix(field.shape[2], gauss(field.shape[2]))[:, 1:-1])
    out = []
    for part in parts:
        straight = walls[0] + (walls[1] - walls[0]) * lobatto(field.shape[2])
        inside = (part.double() - (walls[0] + (walls[1] - walls[0]) * gauss(field.shape[2]))) @ back.T
        nodes = torch.nn.functional.pad(inside, (1, 1)) + straight
        coarse = nodes[:, :: field.shape[1] // grid[0]] @ interpolation_matrix(field.shape[2], gauss(grid[1])).T
        out.append(coarse.to(field.dtype))
    return torch.stack(out, -1) if vector else out[0]


def dedalus_run(
    start: dict[str, Tensor], rayleigh: float, prandtl: float, until: float, step: float
) -> tuple[dict[str, Tensor], float]:
    """Fields at ``until`` by Dedalus from the same start, and its CPU seconds without set-up."""
    import dedalus.public as d3
    import numpy as np

    logging.disable(logging.INFO)
    nx, ny = start["buoyancy"].shape[1:3]
    coords = d3.CartesianCoordinates("x", "y")
    dist = d3.Distributor(coords, dtype=np.float64)
    xbasis = d3.RealFourier(coords["x"], size=nx, bounds=(0, 4), dealias=3 / 2)
    ybasis = d3.ChebyshevT(coords["y"], size=ny, bounds=(0, 1), dealias=3 / 2)
    bases = (xbasis, ybasis)
    p, b, u = dist.Field(bases=bases), dist.Field(bases=bases), dist.VectorField(coords, bases=bases)
    tau_p, tau_b1, tau_b2 = dist.Field(), dist.Field(bases=xbasis), dist.Field(bases=xbasis)
    tau_u1, tau_u2 = dist.VectorField(coords, bases=xbasis), dist.VectorField(coords, bases=xbasis)
    _, ey = coords.unit_vector_fields(dist)
    lift_basis = ybasis.derivative_basis(1)

    def lift(field):
        return d3.Lift(field, lift_basis, -1)

    grad_u, grad_b = d3.grad(u) + ey * lift(tau_u1), d3.grad(b) + ey * lift(tau_b1)
    names = {
        **{"p": p, "b": b, "u": u, "tau_p": tau_p, "ey": ey, "lift": lift, "grad_u": grad_u, "grad_b": grad_b},
        **{"tau_b1": tau_b1, "tau_b2": tau_b2, "tau_u1": tau_u1, "tau_u2": tau_u2},
        **{"nu": (prandtl / rayleigh) ** 0.5, "kappa": (prandtl * rayleigh) ** -0.5},
    }
    problem = d3.IVP([p, b, u, tau_p, tau_b1, tau_b2, tau_u1, tau_u2], namespace=names)
    problem.add_equation("trace(grad_u) + tau_p = 0")
    problem.add_equation("dt(b) - kappa*div(grad_b) + lift(tau_b2) = - u@grad(b)")
    problem.add_equation("dt(u) - nu*div(grad_u) + grad(p) - b*ey + lift(tau_u2) = - u@grad(u)")
    for equation in ("b(y=0) = 1", "u(y=0) = 0", "b(y=1) = 0", "u(y=1) = 0", "integ(p) = 0"):
        problem.add_equation(equation)
    solver = problem.build_solver(d3.RK222)
    b["g"] = start["buoyancy"][0].numpy()
    u["g"] = start["velocity"][0].permute(2, 0, 1).numpy()
    begin = time.process_time()
    for _ in range(round(until / step)):
        solver.step(step)
    seconds = time.process_time() - begin
    b.change_scales(1)
    u.change_scales(1)
    velocity = torch.from_numpy(u["g"].copy()).permute(1, 2, 0)
    return {"buoyancy": torch.from_numpy(b["g"].copy())[None], "velocity": velocity[None]}, seconds


def print_dedalus(until: float = 8.0) -> None:
    """Differences and cost of both solvers from one start, both in float64."""
    print(
        f"one trajectory to t = {until:g} from a `diverse` start at t = 2; relative errors against a grid twice as fine"
    )
    print(f"{'grid':8} {'Ra':>7} {'solver':22} {'CPU s':>7} {'buoyancy':>9} {'velocity':>9}")
    for grid, rayleigh in (((64, 32), 3e4), ((128, 32), 1e5), ((128, 32), 6e5)):
        values = parameters(rayleigh, 1.0, 1)
        common = {"frames": 2, "dtype": torch.float64}
        before = CONVECTION.simulate(values, [0], resolution=grid, save_dt=2.0, **common).fields
        start = {name: before[name][:, 1] for name in ("buoyancy", "velocity")}
        fine = CONVECTION.simulate(
            values, [0], initial=start, resolution=[2 * n for n in grid], save_dt=until, max_dt=0.005, **common
        ).fields
        walls = {"buoyancy": (1.0, 0.0), "velocity": (0.0, 0.0)}
        exact = {name: on_rows(fine[name][:, 1], grid, walls[name]) for name in walls}
        runs = []
        for label, options in (("own step", {}), ("steps of 0.01", {"max_dt": 0.01})):
            begin = time.process_time()
            result = CONVECTION.simulate(
                values, [0], initial=start, resolution=grid, save_dt=until, **common, **options
            ).fields
            runs.append((f"physrep, {label}", {n: result[n][:, 1] for n in walls}, time.process_time() - begin))
        for step in (0.02, 0.01):
            runs.append((f"Dedalus RK222, {step:g}", *dedalus_run(start, rayleigh, 1.0, until, step)))
        for label, fields, seconds in runs:
            errors = [float((fields[name] - exact[name]).norm() / exact[name].norm()) for name in walls]
            case = f"{grid[0]:3d}x{grid[1]:<4d} {rayleigh:7.0f} {label:22}"
            print(f"{case} {seconds:7.2f} {errors[0]:9.1e} {errors[1]:9.1e}")
        gap = [float((runs[1][1][n] - runs[3][1][n]).norm() / runs[3][1][n].norm()) for n in walls]
        print(f"{'':16} {'difference at 0.01':22} {'':7} {gap[0]:9.1e} {gap[1]:9.1e}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="CPU seconds per Rayleigh-Bénard trajectory (T = 40, 81 frames).")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--errors", action="store_true", help="print errors against a grid twice as fine instead")
    parser.add_argument("--dedalus", action="store_true", help="compare with Dedalus instead")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.errors:
        return print_errors(range(100, 108))
    if options.dedalus:
        return print_dedalus()
    columns = f"{'CPU s':>8} {'target':>8} {'ratio':>6} {'steps':>6} {'us / stage':>10}"
    print(f"{'start':9} {'grid':9} {'B':>3} {'Ra':>8} {columns}")
    for family in CONVECTION.initial_conditions:
        for grid in GRIDS:
            for batch in options.batches:
                if grid[0] * grid[1] * batch <= 2**17:
                    print(row(family, grid, batch, getattr(torch, options.dtype), options.repeats), flush=True)


if __name__ == "__main__":
    main()

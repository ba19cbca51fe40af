"""Cost of an active-matter trajectory (T = 20, 81 frames), and how far a grid is from one twice as fine.

The clock is the process's CPU time on one thread; every figure is the best of the repeats, per trajectory. Parameters
are the middle of the resolved range. "Target" is a prototype's second-order scheme (SBDF2) with a step of 0.01.

    python benchmarks/active_matter.py [--repeats 3] [--batches 1 4 16] [--model bingham] [--dtype float32]

With --errors it prints what `resolved_ranges` rests on: the relative error of D against a grid twice as fine one time
unit after a common, developed start, the largest |A2|/c (above 1 no distribution has it), and the root mean square of
velocity and strain over t = 5 to 15 on both grids (docs/systems).

    python benchmarks/active_matter.py --errors

With --dedalus it compares with Dedalus (v3, see docs/systems), where that is installed: the same equations of the
Bingham model, written anew, from the same start and with the same modes (the grid a multiple of 3).

    python benchmarks/active_matter.py --dedalus --grids 48 [--scheme SBDF2] [--step 0.0025]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import torch
from clock import best
from torch import Tensor

from physrep.systems import SYSTEMS

MATTER = SYSTEMS["active_matter"]
TARGETS = {64: 1.2, 128: 4.5}
"""CPU seconds of the reference prototype at its best batch size."""


def full(batch: int, **values: float) -> dict[str, Tensor]:
    """The same parameters for every trajectory."""
    return {name: torch.full((batch,), value, dtype=torch.float64) for name, value in values.items()}


def print_costs(grids: Sequence[int], batches: Sequence[int], model: str, dtype: torch.dtype, repeats: int) -> None:
    """CPU seconds per trajectory by start, grid and batch."""
    print(f"{'start':9} {'grid':9} {'B':>3} {'zeta':>5} {'alpha':>5} {'CPU s':>8} {'target':>8} {'ratio':>6}")
    for family in MATTER.initial_conditions:
        for n in grids:
            zeta = MATTER.parameter("zeta").draw(0.5, *MATTER.resolved_ranges((n, n))["zeta"])
            zeta = zeta if model == "bingham" else zeta / 2
            for batch in batches:
                run = full(batch, alpha=-3.0, zeta=zeta)
                options = {"resolution": (n, n), "initial_condition": family, "dtype": dtype}
                seconds = best(
                    lambda run=run, options=options, batch=batch: MATTER.simulate(
                        run, range(batch), options={"model": model}, **options
                    ),
                    repeats,
                )
                target = TARGETS.get(n) if model == "bingham" else None
                ratio = f"{target:8.2f} {seconds / batch / target:6.2f}" if target else ""
                print(
                    f"{family:9} {n:4d}x{n:<4d} {batch:3d} {zeta:5.2f} {-3.0:5.1f} {seconds / batch:8.3f} {ratio}",
                    flush=True,
                )


def order(fields: dict[str, Tensor]) -> Tensor:
    """|A2|/c."""
    d = fields["D"]
    return torch.hypot(d[..., 0, 0] - d[..., 1, 1], 2 * d[..., 0, 1]) / fields["concentration"]


def print_errors(grids: Sequence[int], seeds: Sequence[int], alphas: Sequence[float] = (-1.0, -3.0, -5.0)) -> None:
    """Errors of D one time unit after a developed start, overshoot, and statistics, against a grid twice as fine."""
    print(f"{'grid':9} {'zeta':>5} {'alpha':>5} {'D, 1 unit later':>16} {'|A2|/c':>7} {'u rms':>13} {'E rms':>13}")
    for n in grids:
        low, high = MATTER.resolved_ranges((n, n))["zeta"]
        for zeta in sorted({low, (low * high) ** 0.5, high}):
            for alpha in alphas:
                run = full(len(seeds), alpha=alpha, zeta=zeta)
                long = {"frames": 61, "initial_condition": "diverse"}
                fine = MATTER.simulate(run, seeds, resolution=(2 * n, 2 * n), **long).fields
                coarse = MATTER.simulate(run, seeds, resolution=(n, n), **long).fields
                start = {name: coarse[name][:, 32] for name in MATTER.initial_fields}
                after = [
                    MATTER.simulate(run, seeds, resolution=(k * n, k * n), frames=5, initial=start).fields["D"][:, -1]
                    for k in (1, 2)
                ]
                reference = after[1][:, ::2, ::2]
                contrast = (reference - 0.5 * torch.eye(2)).flatten(1).norm(dim=1)
                error = ((after[0] - reference).flatten(1).norm(dim=1) / contrast).median()
                rms = [f[name][:, 20:].square().mean().sqrt() for name in ("velocity", "E") for f in (coarse, fine)]
                figures = (
                    f"{error:16.1e} {order(coarse).max():7.3f} {rms[0]:6.3f}/{rms[1]:6.3f} {rms[2]:6.3f}/{rms[3]:6.3f}"
                )
                print(f"{n:4d}x{n:<4d} {zeta:5.2f} {alpha:5.1f} {figures}", flush=True)


def streamfunction(velocity: Tensor) -> Tensor:
    """ψ with u = (∂_y ψ, -∂ₓψ) on the box of length 10, from (nx, ny, 2)."""
    k = [2 * torch.pi / 10 * torch.fft.fftfreq(n, 1 / n, dtype=torch.float64) for n in velocity.shape[:2]]
    u, w = torch.fft.fft2(velocity.movedim(-1, 0))
    kx, ky = k[0][:, None], k[1][None, :]
    k2 = kx**2 + ky**2
    return torch.fft.ifft2(1j * (kx * w - ky * u) / torch.where(k2 > 0, k2, 1.0)).real


def print_dedalus(n: int, dt: float, scheme: str, alpha: float = -3.0, zeta: float = 2.0, horizon: float = 2.0) -> None:
    """The Bingham model in Dedalus, with the same start; relative difference of D and cost."""
    import dedalus.public as d3  # pyright: ignore[reportMissingImports]
    import numpy as np

    from physrep.systems.active_matter.bingham import BinghamClosure

    beta, diffusion, closure = 0.8, 0.05, BinghamClosure()
    run = full(1, alpha=alpha, zeta=zeta)
    begin = time.process_time()
    mine = MATTER.simulate(
        run, [1], resolution=(n, n), save_dt=0.25, frames=round(4 * horizon) + 1, dtype=torch.float64
    )
    spent = time.process_time() - begin
    exact = MATTER.simulate(
        run, [1], resolution=(n, n), frames=2, save_dt=horizon, dtype=torch.float64, max_dt=1 / 400
    ).fields["D"][0, -1]
    coords = d3.CartesianCoordinates("x", "y")
    dist = d3.Distributor(coords, dtype=np.float64)
    # The same modes as here, those that 2n/3 points hold, with the products taken on n points.
    bases = [d3.RealFourier(coords[a], size=2 * n // 3, bounds=(0, 10), dealias=3 / 2) for a in ("x", "y")]
    c, a, b, psi = (dist.Field(name=name, bases=bases) for name in ("c", "a", "b", "psi"))
    tau = dist.Field(name="tau")

    def h(*fields: object) -> object:
        return closure(torch.from_numpy(np.clip(np.asarray(fields[0]), 0, 1))).numpy()

    q = (a * a + b * b) / (c * c)
    ratio = d3.GeneralFunction(dist, q.domain, q.tensorsig, np.float64, "g", lambda: h((q.evaluate())["g"])) / c
    p, r = ratio * (a * a - b * b), 2 * ratio * a * b
    dx, dy = (lambda f: d3.Differentiate(f, coords["x"])), (lambda f: d3.Differentiate(f, coords["y"]))
    u, w = dy(psi), -dx(psi)
    e, f, spin = dx(dy(psi)), (dy(dy(psi)) - dx(dx(psi))) / 2, -d3.Laplacian(psi) / 2
    real = alpha / 2 * a + beta / 4 * ((c - 1) * e - zeta * c * a + (e + zeta * a) * p + (f + zeta * b) * r)
    imag = alpha / 2 * b + beta / 4 * ((c - 1) * f - zeta * c * b + (e + zeta * a) * r - (f + zeta * b) * p)
    g, k = e + zeta * a, f + zeta * b
    bilaplacian = d3.Laplacian(d3.Laplacian(psi))
    problem = d3.IVP([c, a, b, psi, tau], namespace=locals())
    problem.add_equation((d3.dt(c) - diffusion * d3.Laplacian(c), -u * dx(c) - w * dy(c)))
    for moment, rate in ((a, -2 * spin * b + g * (c - p) - k * r), (b, 2 * spin * a + k * (c + p) - g * r)):
        left = d3.dt(moment) - diffusion * d3.Laplacian(moment) + 4 * diffusion * moment
        problem.add_equation((left, rate - u * dx(moment) - w * dy(moment)))
    stress = dx(dx(imag)) - dy(dy(imag)) - 2 * dx(dy(real))
    problem.add_equation(((1 + beta / 8) * bilaplacian + tau, stress))
    problem.add_equation((d3.Integrate(psi), 0))
    start = {name: mine.fields[name][0, 0] for name in ("concentration", "D")}
    for field in (c, a, b, psi):
        field.change_scales(3 / 2)
    c["g"], a["g"] = start["concentration"].numpy(), (start["D"][..., 0, 0] - start["D"][..., 1, 1]).numpy()
    b["g"] = 2 * start["D"][..., 0, 1].numpy()
    # The stress holds the strain of the step before: without the flow's start the scheme would be of first order.
    psi["g"] = streamfunction(mine.fields["velocity"][0, 0]).numpy()
    solver = problem.build_solver(getattr(d3, scheme))
    begin = time.process_time()
    for _ in range(round(horizon / dt)):
        solver.step(dt)
    other = time.process_time() - begin
    for field in (a, b):
        field.change_scales(3 / 2)
    theirs = torch.stack([torch.from_numpy(np.copy(x["g"])) for x in (a, b)])
    exact, ours = (
        torch.stack([d[..., 0, 0] - d[..., 1, 1], 2 * d[..., 0, 1]]) for d in (exact, mine.fields["D"][0, -1])
    )
    print(f"{n}x{n}, alpha {alpha}, zeta {zeta}, t = {horizon}: A2 against physrep with a step of 1/400")
    for name, field, seconds in (
        (f"Dedalus, {scheme}, step {dt}", theirs, other),
        ("physrep, its own step", ours, spent),
    ):
        difference = float((field - exact).norm() / exact.norm())
        print(f"  {name}: {difference:.1e} in {seconds:.2f} CPU s (float64, one trajectory)")


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="Cost and errors of active-matter trajectories.")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--grids", type=int, nargs="+", default=[32, 64, 128])
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--model", choices=MATTER.options["model"], default="bingham")
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--errors", action="store_true", help="print errors against a grid twice as fine instead")
    parser.add_argument("--seeds", type=int, default=4, help="trajectories per line of --errors")
    parser.add_argument("--dedalus", action="store_true", help="compare with Dedalus instead")
    parser.add_argument("--step", type=float, default=0.0025, help="Dedalus's time step")
    parser.add_argument("--scheme", default="SBDF2", help="Dedalus's time stepper")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.dedalus:
        print_dedalus(options.grids[0], options.step, options.scheme)
    elif options.errors:
        print_errors([n for n in options.grids if n < 128], range(100, 100 + options.seeds))
    else:
        print_costs(options.grids, options.batches, options.model, getattr(torch, options.dtype), options.repeats)


if __name__ == "__main__":
    main()

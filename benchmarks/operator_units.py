"""θ is in units of time and length: what another time step or grid at test costs a fit of operator discovery.

Trajectories are simulated with frames half a time step apart. The fit and a ridge probe see frames one step apart; test
trajectories are read with frames half a step, two and three steps apart, and on every second point of each periodic
axis. Windows start at the same moments. Scores are mean squared errors of the z-scored parameters (of the logarithm of
those with a logarithmic scale), per trajectory over its windows, mean of the parameters, their ratio to the first, and
the mean squared distance of the estimates from those of the first.

    python benchmarks/operator_units.py shear_flow rayleigh_benard:0.25 active_matter:0.1 --only D_xx D_xy
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import operator_parameters as study
import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.learners import OperatorDiscovery
from physrep.systems import SYSTEMS, System

WINDOW, FINE, STARTS = study.WINDOW, 96, (0, 24, 48)
"""Frames of a window; simulated frames, half a step apart, and those at which test windows start."""
STEPS = {"time step x 1": 2, "x 0.5": 1, "x 2": 4, "x 3": 6}
PENALTIES = tuple(10.0**-power for power in range(8))


def labels(system: System, number: int, points: int) -> Tensor:
    """Parameters that `operator_parameters.simulated` draws, ``(B, n)``, on the scale that they are drawn on."""
    draws = torch.quasirandom.SobolEngine(len(system.parameters), scramble=True, seed=0).draw(number).double()
    return draws[:, : len(system.resolved_ranges((points, points)))]


def tokens(
    learner: OperatorDiscovery, fields: Tensor, step: int, coarse: bool, channels: Sequence[str], system: System,
    dt: float, own: tuple[Tensor | None, ...],
) -> Tensor:  # fmt: skip
    """Tokens ``(B, windows, n)`` of trajectories, read with frames ``step`` halves of a time step apart."""
    dx = [length / points for length, points in zip(system.lengths, fields.shape[3:], strict=True)]
    if coarse:
        for axis, around in enumerate(system.periodic):
            if around:
                fields = fields.index_select(3 + axis, torch.arange(0, fields.shape[3 + axis], 2))
                dx[axis] *= 2
    found = []
    for first in STARTS:
        cut = fields[:, :, first : first + (WINDOW - 1) * step + 1 : step]
        clip = Clip(
            cut, torch.zeros(len(cut), 0), tuple(channels), (), dt * step / 2, tuple(dx), system.periodic,
            torch.arange(len(cut)), torch.full((len(cut),), first), own,
        )  # fmt: skip
        found.append(learner.encode(clip)[:, 0])
    return torch.stack(found, 1).double()


def ridge(x: Tensor, y: Tensor, shown: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and scale of the tokens, and coefficients with the penalty that is best on ``shown``."""
    mean, std = x.mean((0, 1)), x.std((0, 1)).clamp_min(1e-12)

    def solved(penalty: float) -> Tensor:
        z = ((x - mean) / std).flatten(0, 1)
        target = y.repeat_interleave(x.shape[1], 0)
        return torch.linalg.solve(z.T @ z / len(z) + penalty * torch.eye(z.shape[1]).double(), z.T @ target / len(z))

    errors = [(((shown - mean) / std @ solved(p)).mean(1) - wanted).square().mean() for p in PENALTIES]
    return mean, std, solved(PENALTIES[int(torch.stack(errors).argmin())])


@torch.no_grad()
def scores(
    name: str, dt: float | None, only: Sequence[str], number: int, points: int
) -> list[tuple[str, float, float]]:
    """Error of every reading and its distance from the first: half of the trajectories train, an eighth chooses."""
    system = SYSTEMS[name]
    dt = dt or system.save_dt
    fields, channels = study.simulated(system, number, FINE, points, dt / 2)
    if len(fields) < number:
        raise SystemExit(f"{name}: {number - len(fields)} simulations failed; ask for other --trajectories.")
    keep = [channels.index(c) for c in only if c in channels]
    if keep:
        fields, channels = fields[:, keep], tuple(channels[i] for i in keep)
    grid = system.grid((points, points)).values()
    own = tuple(None if around else x for x, around in zip(grid, system.periodic, strict=True))
    dx = tuple(length / points for length in system.lengths)
    fit, end = 2 * number // 4, 5 * number // 8
    learner, _ = study.fitted(fields[:end, :, ::2], channels, dt, dx, system.periodic, own, (1, 2, 3, 4))
    y = labels(system, number, points)
    y = (y - y[:fit].mean(0)) / y[:fit].std(0)

    def read(part: slice, step: int, coarse: bool = False) -> Tensor:
        return tokens(learner, fields[part], step, coarse, channels, system, dt, own)

    train, valid, test = slice(0, fit), slice(fit, end), slice(end, number)
    mean, std, w = ridge(read(train, 2), y[train], read(valid, 2), y[valid])

    def predicted(step: int, coarse: bool = False) -> Tensor:
        return ((read(test, step, coarse) - mean) / std @ w).mean(1)

    first = predicted(2)
    rows = [("P", float(learner.v.shape[0]), 0.0)]
    for label, step, coarse in [
        *((label, step, False) for label, step in STEPS.items()),
        ("half the resolution", 2, True),
    ]:
        found = predicted(step, coarse)
        rows.append((label, float((found - y[test]).square().mean()), float((found - first).square().mean())))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="+", help="names; a number behind a colon is the time step")
    parser.add_argument("--only", nargs="*", default=[], help="channels that are observed, of systems that have them")
    parser.add_argument("--trajectories", type=int, default=96)
    parser.add_argument("--points", type=int, default=32)
    options = parser.parse_args()
    for given in options.systems:
        name, _, interval = given.partition(":")
        rows = scores(name, float(interval) if interval else None, options.only, options.trajectories, options.points)
        clean = rows[1][1]
        print(f"{given}: P = {rows[0][1]:.0f}")
        for label, value, moved in rows[1:]:
            print(f"    {label:<20} {value:.2e}, {value / clean:.2f} of the first; moved by {moved:.1e}", flush=True)


if __name__ == "__main__":
    main()

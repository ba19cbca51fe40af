"""How many parameters vary, and by which equation, as operator discovery reads it from fields without labels.

Every system is simulated with parameters over the range that its grid resolves; three quarters of the trajectories are
fitted to, the others choose.

    python benchmarks/operator_parameters.py heat damped_wave advection_diffusion gray_scott:1 gray_scott:20

A number behind the colon is the time between frames.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.learners import OperatorDiscovery
from physrep.learners.operator_discovery.printing import as_text
from physrep.systems import SYSTEMS, System

WINDOW = 8


def simulated(system: System, number: int, frames: int, points: int, dt: float) -> tuple[Tensor, tuple[str, ...]]:
    """Fields ``(B, C, T, H, W)`` of trajectories that hold, and the channels' names."""
    resolution = (points, points)
    draws = torch.quasirandom.SobolEngine(len(system.parameters), scramble=True, seed=0).draw(number).double()
    ranges, parameters = system.resolved_ranges(resolution), {}
    for parameter, u in zip(system.parameters, draws.T, strict=True):
        low, high = ranges[parameter.name]
        spread = low * (high / low) ** u if parameter.scale == "log" else low + (high - low) * u
        parameters[parameter.name] = spread
    run = system.simulate(
        parameters, range(number), resolution=resolution, frames=frames, save_dt=dt, dtype=torch.float64
    )
    good = [i for i in range(number) if i not in run.failed]
    planes: dict[str, Tensor] = {}
    for name, values in run.fields.items():
        rank = values.ndim - 4
        for place in itertools.product(range(len(system.axes)), repeat=rank):
            letters = "".join(system.axes[i] for i in place)
            planes[f"{name}_{letters}" if rank else name] = values[good][(..., *place)]
    return torch.stack(list(planes.values()), 1), tuple(planes)


def fitted(
    fields: Tensor,
    channels: tuple[str, ...],
    dt: float,
    dx: tuple[float, ...],
    periodic: tuple[bool, ...],
    coordinates: tuple[Tensor | None, ...] = (),
    grades: Sequence[int] = (1, 2, 3),
    basis: Mapping[str, Any] | None = None,
) -> tuple[OperatorDiscovery, list[str]]:
    """A learner on three quarters of trajectories ``(B, C, T, H, W)``, and what it said."""

    def windows(first: int, end: int) -> Clip:
        starts = range(0, fields.shape[2] - WINDOW + 1, WINDOW)
        cut = torch.stack([fields[first:end, :, s : s + WINDOW] for s in starts], 1).flatten(0, 1)
        number = torch.arange(first, end).repeat_interleave(len(starts))
        return Clip(
            cut, torch.zeros(len(cut), 0), channels, (), dt, dx, periodic, number,
            torch.tensor(list(starts)).repeat(end - first), coordinates,
        )  # fmt: skip

    learner = OperatorDiscovery(len(channels), WINDOW, grades=grades, basis=basis)
    every = (0, 2, 3, 4)
    learner.set_normalisation(channels, fields.mean(every).tolist(), fields.std(every).tolist())
    cut, notes = 3 * len(fields) // 4, []
    train, valid = (
        [windows(i, min(i + 8, end)) for i in range(begin, end, 8)] for begin, end in ((0, cut), (cut, len(fields)))
    )
    learner.fit(train, valid, 0, lambda note: notes.append(note) if note else None)
    return learner, notes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="+")
    parser.add_argument("--trajectories", type=int, default=64)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--grades", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--points", type=int, default=32)
    parser.add_argument("--only", nargs="*", default=[], help="channels that are observed, of systems that have them")
    options = parser.parse_args()
    for given in options.systems:
        name, _, interval = given.partition(":")
        system = SYSTEMS[name]
        dt = float(interval) if interval else system.save_dt
        fields, channels = simulated(system, options.trajectories, options.frames, options.points, dt)
        if keep := [channels.index(name) for name in options.only if name in channels]:
            fields, channels = fields[:, keep], tuple(channels[i] for i in keep)
        points = system.grid((options.points,) * 2).values()
        dx = tuple(length / options.points for length in system.lengths)
        # Rows between walls lie where the solver has them.
        own = tuple(None if around else x for x, around in zip(points, system.periodic, strict=True))
        begun = time.process_time()
        learner, notes = fitted(fields, channels, dt, dx, system.periodic, own, options.grades)
        spent = f"{time.process_time() - begun:.1f} s of processor time"
        print(f"{given}: {len(system.parameters)} parameters were drawn; {spent}", *notes, sep="\n  ")
        print(as_text(learner.record), end="\n\n", flush=True)


if __name__ == "__main__":
    main()

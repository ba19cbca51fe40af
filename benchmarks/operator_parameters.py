"""How many parameters vary, and by which equation, as operator discovery reads it from fields without labels.

Every system is simulated with parameters over the range that its grid resolves; three quarters of the trajectories are
fitted to, the others choose.

    python benchmarks/operator_parameters.py heat damped_wave advection_diffusion gray_scott:1 gray_scott:20

A number behind the colon is the time between frames.
"""

from __future__ import annotations

import argparse

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
        if values.ndim == 4:
            planes[name] = values[good]
        else:
            planes |= {f"{name}_{axis}": values[good][..., i] for i, axis in enumerate(system.axes)}
    return torch.stack(list(planes.values()), 1), tuple(planes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="+")
    parser.add_argument("--trajectories", type=int, default=64)
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--points", type=int, default=32)
    options = parser.parse_args()
    for given in options.systems:
        name, _, interval = given.partition(":")
        system = SYSTEMS[name]
        dt = float(interval) if interval else system.save_dt
        fields, channels = simulated(system, options.trajectories, options.frames, options.points, dt)
        dx = tuple(length / options.points for length in system.lengths)

        def windows(first: int, end: int, fields=fields, channels=channels, dx=dx, dt=dt, system=system) -> list[Clip]:
            starts = range(0, fields.shape[2] - WINDOW + 1, WINDOW)
            return [
                Clip(fields[i : i + 1, :, s : s + WINDOW], torch.zeros(1, 0), channels, (), dt, dx, system.periodic,
                     torch.tensor([i]), torch.tensor([s]))
                for i in range(first, end) for s in starts
            ]  # fmt: skip

        learner = OperatorDiscovery(len(channels), WINDOW, grades=(1, 2, 3))
        every = (0, 2, 3, 4)
        learner.set_normalisation(channels, fields.mean(every).tolist(), fields.std(every).tolist())
        cut = 3 * len(fields) // 4
        batches = [joined(windows(i, min(i + 8, end))) for begin, end in ((0, cut), (cut, len(fields)))
                   for i in range(begin, end, 8)]  # fmt: skip
        inside = (cut + 7) // 8
        learner.fit(batches[:inside], batches[inside:], 0, lambda note: print("  ", note) if note else None)
        print(f"{given}: {len(system.parameters)} parameters were drawn")
        print(as_text(learner.record), end="\n\n", flush=True)


def joined(clips: list[Clip]) -> Clip:
    """One batch."""
    first = clips[0]
    return Clip(
        torch.cat([c.fields for c in clips]), torch.zeros(len(clips), 0), first.channels, (), first.dt, first.dx,
        first.periodic, torch.cat([c.trajectory for c in clips]), torch.cat([c.start for c in clips]),
    )  # fmt: skip


if __name__ == "__main__":
    main()

"""Simulated windows for the tests of oracles: few trajectories, small grids, seeded."""

from __future__ import annotations

import functools
from dataclasses import replace

import torch

from physrep.clip import Clip
from physrep.systems import SYSTEMS

# resolution, frames, time between them, ranges: those of the quick studies where there is one.
SETTINGS: dict[str, tuple[tuple[int, int], int, float, dict[str, tuple[float, float]]]] = {
    "shear_flow": ((32, 64), 12, 0.1, {"Reynolds": (40, 400)}),
    "rayleigh_benard": ((64, 32), 16, 0.2, {"Rayleigh": (1e4, 1e5)}),
    "rayleigh_benard_uniform": ((64, 32), 16, 0.2, {"Rayleigh": (1e4, 1e5)}),
    "active_matter": ((48, 48), 10, 0.1, {"alpha": (-4.3, -1.0), "zeta": (0.25, 2.8)}),
    "gray_scott": ((128, 128), 9, 20.0, {}),
    "heat": ((32, 32), 12, 0.02, {"diffusivity": (1e-3, 1e-2)}),
    "heat_fixed_edges": ((32, 32), 12, 0.02, {"diffusivity": (1e-3, 1e-2)}),
    "advection_diffusion": ((32, 32), 12, 0.02, {"diffusivity": (1e-3, 1e-2)}),
    "damped_wave": ((32, 32), 12, 0.02, {}),
}


@functools.cache
def windows(system: str, count: int = 3, frames: int = 8) -> Clip:
    """The last ``frames`` frames of ``count`` trajectories."""
    own = SYSTEMS[system]
    resolution, length, dt, ranges = SETTINGS[system]
    seeds = list(range(50, 50 + count))
    drawn = own.draw_parameters(seeds, resolution, ranges)
    made = own.simulate(drawn, seeds, resolution=resolution, frames=length, save_dt=dt)
    names, columns = [], []
    for field in own.fields:
        values = made.fields[field.name].flatten(4) if field.order else made.fields[field.name][..., None]
        axes = (
            [""] if not field.order else own.axes if field.order == 1 else [a + b for a in own.axes for b in own.axes]
        )
        names += [field.name + (f"_{axis}" if axis else "") for axis in axes]
        columns += list(values.unbind(-1))
    index = torch.arange(count)
    return Clip(
        torch.stack(columns, 1)[:, :, length - frames :],
        torch.stack([made.parameters[p.name] for p in own.parameters], 1),
        tuple(names),
        tuple(p.name for p in own.parameters),
        dt,
        tuple(side / n for side, n in zip(own.lengths, resolution, strict=True)),
        own.periodic,
        index,
        torch.full((count,), length - frames),
    )


def noisy(clip: Clip, share: float, seed: int = 0) -> Clip:
    """The clip with white noise of ``share`` times each channel's standard deviation in the window."""
    noise = torch.randn(clip.fields.shape, generator=torch.Generator().manual_seed(seed))
    return replace(clip, fields=clip.fields + share * clip.fields.std((2, 3, 4), keepdim=True) * noise)


def renamed(clip: Clip, first: str, second: str) -> Clip:
    """The clip with the names of two channels exchanged."""
    swap = {first: second, second: first}
    return replace(clip, channels=tuple(swap.get(name, name) for name in clip.channels))


def errors(found: dict[str, torch.Tensor], clip: Clip) -> dict[str, torch.Tensor]:
    """``|estimate / truth - 1|`` by parameter; of velocities, which may vanish, relative to a velocity of 1."""
    result = {}
    for name, true in zip(clip.parameter_names, clip.parameters.T, strict=True):
        scale = 1.0 if name.startswith("velocity") else true
        result[name] = ((found[name] - true) / scale).abs()
    return result

"""A run that starts from a stored frame: to go on, to change a parameter, or to compare with another solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..data import WellFile, open_well, write_well
from ..data.resample import chebyshev_interval, chebyshev_matrix, exact_nodes
from ..data.time_steps import say_uneven, uneven
from ..errors import PhysrepError
from ..systems import System
from ..systems.grids.fourier_grid import resample_axis
from .request import finer_grid, known_system


@dataclass(frozen=True)
class Continuation:
    """A run from a stored frame.

    Attributes:
        path: the file that was written.
        times: times after the start at which the source has a frame too.
        differences: field to the relative difference ``‖new - stored‖ / ‖stored - mean‖`` at these times.
    """

    path: Path
    times: list[float]
    differences: dict[str, list[float]]


def simulate_from(
    system: str,
    source: str | Path,
    out: str | Path,
    *,
    frame: int = 0,
    trajectory: int = 0,
    resolution: Sequence[int] | None = None,
    frames: int | None = None,
    save_dt: float | None = None,
    parameters: Mapping[str, float] | None = None,
    options: dict[str, Any] | None = None,
    precision: str = "float32",
    allow_underresolved: bool = False,
    device: str = "cpu",
) -> Continuation:
    """Start a run from a frame of any file in The Well's format.

    Args:
        system: name in `physrep.systems.SYSTEMS`; its equations are used whatever made the file.
        source: the file.
        out: folder; the run becomes ``out/SYSTEM_from_FILE_trajectoryI_frameK.hdf5``.
        frame, trajectory: which frame of which trajectory, counted from 0; a negative frame counts from the end.
        resolution: grid of the new run; default that of the file. The start is resampled spectrally.
        frames: frames to store, the first being the start; default up to the end of the file's trajectory (that many
            again if the start is its last frame).
        save_dt: time between frames; default that of the file.
        parameters: values that replace those of the file.
        options: switches of the system.
        precision: float32 or float64 arithmetic.
        allow_underresolved: run outside the range that the grid resolves all the same, and record it in the file.
        device: where to compute.

    Returns:
        The path, and how far the run is from the frames that the file holds for the same times.

    Raises:
        PhysrepError: no such frame, fields or parameters that the system needs, another domain, a range that the grid
            does not resolve, or the run blew up.
    """
    model = known_system(system)
    source = Path(source)
    with open_well(source) as file:
        frame = _check_frame(file, frame, trajectory)
        frames = frames or (file.n_frames - frame if frame < file.n_frames - 1 else file.n_frames)
        if not save_dt:
            say_uneven(source, uneven(file.time))
        save_dt = save_dt or file.dt
        if not save_dt > 0:
            raise PhysrepError(f"{source}: has a single frame, so the time between frames is unknown; give --save_dt.")
        values = _parameters(model, file, trajectory, parameters or {})
        resolution = list(model.check_resolution(resolution or file.shape))
        ranges = {name: (float(value), float(value)) for name, value in values.items()}
        complaint = model.check_ranges(resolution, ranges)
        if complaint and not allow_underresolved:
            raise PhysrepError(f"{complaint}; {finer_grid(model, resolution, ranges)}, or --allow-underresolved.")
        initial = {
            name: on_grid(model, file, value, file.shape)[0]
            for name, value in stored_fields(model, file, trajectory, frame, 1).items()
        }
        result = model.simulate(
            values,
            [0],
            resolution=resolution,
            frames=frames,
            save_dt=save_dt,
            initial={name: value[None] for name, value in initial.items()},
            options=options,
            dtype=getattr(torch, precision),
            device=device,
        )
        if result.failed:
            raise PhysrepError(
                f"{system}: the run from {source} ended: {result.failed[0]}; take a finer grid or an earlier frame."
            )
        path = Path(out) / f"{system}_from_{source.stem}_trajectory{trajectory}_frame{frame}.hdf5"
        notes = {"source": source.name, "source_trajectory": trajectory, "source_frame": frame}
        write_well(path, result, {**notes, "resolved": complaint is None})
        times, differences = _compare(model, file, trajectory, frame, result.fields, resolution, save_dt)
    return Continuation(path, times, differences)


def _check_frame(file: WellFile, frame: int, trajectory: int) -> int:
    if not 0 <= trajectory < file.n_trajectories:
        raise PhysrepError(f"{file.path}: has {file.n_trajectories} trajectories, counted from 0; not {trajectory}.")
    if not -file.n_frames <= frame < file.n_frames:
        raise PhysrepError(f"{file.path}: has {file.n_frames} frames, counted from 0; there is no frame {frame}.")
    return frame % file.n_frames


def _parameters(model: System, file: WellFile, trajectory: int, given: Mapping[str, float]) -> dict[str, Tensor]:
    for name in given:
        model.parameter(name)
    values = {}
    for parameter in model.parameters:
        if parameter.name in given:
            values[parameter.name] = given[parameter.name]
        elif parameter.name in file.parameters:
            values[parameter.name] = float(file.parameters[parameter.name][trajectory])
        else:
            raise PhysrepError(
                f"{file.path}: has no parameter {parameter.name}, only {list(file.parameters)}; "
                f"give --parameters.{parameter.name} VALUE."
            )
    return {name: torch.tensor([value], dtype=torch.float64) for name, value in values.items()}


def stored_fields(model: System, file: WellFile, trajectory: int, start: int, frames: int) -> dict[str, Tensor]:
    """The system's fields as a file stores them: name to ``(T, *S)`` plus component axes, float64."""
    if file.axes != model.axes:
        raise PhysrepError(f"{file.path}: has the axes {list(file.axes)}; {model.name} has {list(model.axes)}.")
    found = {}
    for own in model.fields:
        stored = file.fields.get(own.name)
        if stored is None or stored.order != own.order:
            if own.name in model.initial_fields:
                raise PhysrepError(
                    f"{file.path}: has no field {own.name} of order {own.order}, which {model.name} starts from; "
                    f"it has {list(file.fields)}."
                )
            continue
        values = torch.from_numpy(file.read(trajectory, start, frames, channels=stored.channels)).double()
        found[own.name] = values.movedim(0, -1).reshape(*values.shape[1:], *(len(model.axes),) * own.order)
    return found


def on_grid(model: System, file: WellFile, values: Tensor, shape: Sequence[int]) -> Tensor:
    """Fields ``(T, *S, ...)`` of a file on the system's own grid with ``shape`` points.

    A periodic axis is resampled in Fourier space; its first point may lie anywhere, since a shift is a symmetry. An
    axis with walls is interpolated from Chebyshev nodes, unless its points are the system's already.
    """
    own = model.grid(shape)
    for axis, name in enumerate(model.axes):
        nodes = file.coordinates[name]
        _check_length(model, file, axis, nodes)
        if model.periodic[axis]:
            values = resample_axis(values, axis + 1, shape[axis])
            continue
        points = own[name].numpy()
        # Stored coordinates are float32.
        if len(nodes) == len(points) and np.abs(nodes - points).max() < 1e-5 * model.lengths[axis]:
            continue
        interval = chebyshev_interval(nodes)
        if interval is None:
            raise PhysrepError(
                f"{file.path}: axis {name} is neither on the points of {model.name} nor on Chebyshev nodes, so it "
                "cannot be moved there exactly; choose the system whose rows are like the file's."
            )
        matrix = chebyshev_matrix(exact_nodes(len(nodes), *interval), points, interval[0])
        values = (values.movedim(axis + 1, -1) @ matrix.T).movedim(-1, axis + 1)
    return values.contiguous()


def _check_length(model: System, file: WellFile, axis: int, nodes: np.ndarray) -> None:
    """Coordinates may or may not repeat the first point at the end, so a length is known up to one spacing."""
    n, length = len(nodes), model.lengths[axis]
    extent = float(abs(nodes[-1] - nodes[0]))
    if not length * (1 - 2.5 / n) <= extent <= length * (1 + 1e-4):
        raise PhysrepError(
            f"{file.path}: axis {model.axes[axis]} spans {extent:.4g}, but that of {model.name} is {length:.4g} long; "
            "rescale the file to the system's units."
        )


def _compare(
    model: System,
    file: WellFile,
    trajectory: int,
    frame: int,
    fields: Mapping[str, Tensor],
    resolution: Sequence[int],
    save_dt: float,
) -> tuple[list[float], dict[str, list[float]]]:
    """Times with a frame in both, and the relative difference of every field there."""
    times = file.time[trajectory] - file.time[trajectory, frame]
    frames = len(next(iter(fields.values()))[0])
    common = [
        (k, round(float(times[k]) / save_dt))
        for k in range(frame, file.n_frames)
        if abs(float(times[k]) / save_dt - round(float(times[k]) / save_dt)) < 1e-3
    ]
    common = [(stored, new) for stored, new in common if new < frames]
    differences: dict[str, list[float]] = {}
    for stored, new in common:
        for name, value in stored_fields(model, file, trajectory, stored, 1).items():
            theirs = on_grid(model, file, value, resolution)[0]
            axes = tuple(range(len(model.axes)))
            spread = (theirs - theirs.mean(axes)).norm().clamp(min=1e-30)
            differences.setdefault(name, []).append(float((fields[name][0, new].double() - theirs).norm() / spread))
    return [new * save_dt for _, new in common], differences

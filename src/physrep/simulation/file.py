"""The trajectories of one file: drawn, integrated, drawn again where one blows up, and written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ..data import write_well
from ..errors import PhysrepError
from ..systems import SYSTEMS, Trajectories, trajectory_seed
from ..systems.linear.matched_pairs import matched_diffusivity
from .request import Request

BATCH = 16
"""Trajectories per solver call on a CPU."""

ATTEMPTS = 3
"""How often a trajectory is drawn (parameters and start) before one that always blows up ends the simulation."""


@dataclass(frozen=True)
class FileTask:
    """A file to write.

    Attributes:
        path: of the file.
        indices: numbers of its trajectories in the data set.
        seed: theirs, if it is not the data set's.
        leaders: per trajectory the number of the one whose parameters it has; None: each has its own.
    """

    path: Path
    indices: tuple[int, ...]
    seed: int | None = None
    leaders: tuple[int, ...] | None = None


def simulate_file(task: FileTask, request: Request, device: str) -> list[str]:
    """Simulate the trajectories of one file and write it; returns one message per trajectory that was drawn again.

    Raises:
        PhysrepError: a trajectory blew up in every attempt, or the file cannot be written.
    """
    messages: list[str] = []
    key = request.key
    if task.seed is not None:
        request = replace(request, settings={**request.settings, "seed": task.seed})
    size = BATCH if device == "cpu" else len(task.indices)
    parts = [
        _sound_batch(task, slice(first, first + size), request, device, messages)
        for first in range(0, len(task.indices), size)
    ]
    notes = {
        "seed": request.settings["seed"],
        "resolved": request.resolved,
        "trajectory_numbers": ",".join(map(str, task.indices)),
        "simulation": key,
    }
    write_well(task.path, _joined(parts), notes)
    return messages


def simulate_at(request: Request, values: Mapping[str, Tensor], indices: Sequence[int], device: str) -> Trajectories:
    """Trajectories at chosen parameters, in memory.

    Args:
        request: system, grid, times and initial conditions.
        values: name to parameters ``(n,)``; those of the system that are not named are drawn.
        indices: numbers of the trajectories, which fix their initial conditions.
        device: where.

    Raises:
        PhysrepError: a parameter that the system does not have, or a trajectory that blows up.
    """
    numbers = list(indices)
    parts = []
    size = BATCH if device == "cpu" else len(numbers)
    for first in range(0, len(numbers), size):
        rows = slice(first, first + size)
        part = _batch(numbers[rows], 0, request, device, {name: own[rows] for name, own in values.items()})
        if part.failed:
            reason = next(iter(part.failed.values()))
            raise PhysrepError(f"{request.settings['system']}: a proposed trajectory blew up ({reason}).")
        parts.append(part)
    return _joined(parts)


def _joined(parts: list[Trajectories]) -> Trajectories:
    whole = parts[0]
    if len(parts) > 1:
        whole.fields = {name: torch.cat([part.fields[name] for part in parts]) for name in whole.fields}
        whole.parameters = {name: torch.cat([part.parameters[name] for part in parts]) for name in whole.parameters}
    return whole


def _sound_batch(task: FileTask, rows: slice, request: Request, device: str, messages: list[str]) -> Trajectories:
    """These trajectories of a file, each of them finite to its end."""
    system = request.settings["system"]
    indices = task.indices[rows]
    # Replicates keep the parameters of their group: of one that blows up only the start is drawn again.
    shared = None if task.leaders is None else draw_trajectories(task.leaders[rows], 0, request)[1]
    result = _batch(indices, 0, request, device, shared)
    for attempt in range(1, ATTEMPTS + 1):
        for row, reason in list(result.failed.items()):
            values = ", ".join(f"{name} {float(v[row]):.4g}" for name, v in result.parameters.items())
            what = f"{system}: trajectory {indices[row]} ({values}): {reason}"
            if attempt == ATTEMPTS:
                raise PhysrepError(
                    f"{what}; drawn again {ATTEMPTS - 1} times without success; take a finer grid or smaller ranges."
                )
            messages.append(f"{what}; drawn again")
            kept = None if shared is None else {name: values[row : row + 1] for name, values in shared.items()}
            again = _batch([indices[row]], attempt, request, device, kept)
            del result.failed[row]
            if again.failed:
                result.failed[row] = again.failed[0]
            for stored, fresh in ((result.fields, again.fields), (result.parameters, again.parameters)):
                for name in stored:
                    stored[name][row] = fresh[name][0]
        if not result.failed:
            break
    return result


def _batch(
    indices: Sequence[int], attempt: int, request: Request, device: str, given: Mapping[str, Tensor] | None = None
) -> Trajectories:
    settings = request.settings
    seeds, parameters = draw_trajectories(indices, attempt, request)
    unknown = [name for name in given or {} if name not in parameters]
    if unknown:
        raise PhysrepError(f"{settings['system']}: has no parameter {unknown[0]!r}, only {', '.join(parameters)}.")
    parameters |= {name: values.to(parameters[name]) for name, values in (given or {}).items()}
    return request.system.simulate(
        parameters,
        seeds,
        resolution=settings["resolution"],
        frames=settings["frames"],
        save_dt=settings["save_dt"],
        initial_condition=settings["initial_condition"],
        options=settings["options"],
        dtype=getattr(torch, settings["precision"]),
        device=device,
    )


def draw_trajectories(indices: Sequence[int], attempt: int, request: Request) -> tuple[list[int], dict[str, Tensor]]:
    """Seeds and parameters of trajectories: functions of the data set's seed and the trajectory's number alone.

    A matched partner takes both from the data set that it is matched to, and its diffusivity from
    `physrep.systems.linear.matched_pairs`.
    """
    settings = request.settings if request.partner is None else request.partner
    name = SYSTEMS[settings["system"]].name
    seeds = [trajectory_seed(settings["seed"], name, index, attempt) for index in indices]
    parameters = SYSTEMS[name].draw_parameters(seeds, settings["resolution"], settings["ranges"])
    if request.partner is None:
        return seeds, parameters
    diffusivity = matched_diffusivity(
        name,
        parameters,
        seeds,
        resolution=settings["resolution"],
        frames=settings["frames"],
        save_dt=settings["save_dt"],
        initial_condition=settings["initial_condition"],
    )
    return seeds, {request.system.parameters[0].name: diffusivity}

"""From a system's name to a data set in The Well's format, by as many worker processes as there are cores.

The unit of work is one file of a split. Which trajectories it holds, their parameters and their initial conditions
follow from the seed and the trajectory's number alone, so the numbers are the same whatever the number of workers, and
an interrupted command goes on with the files that are missing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from .errors import PhysrepError
from .files import content_hash, read_json, write_json
from .processes import cores, process_pool
from .progress import Progress

BATCH = 16
"""Trajectories per solver call on a CPU: more fall out of the cache, fewer pay per-call overhead."""

ATTEMPTS = 3
"""How often a trajectory is drawn (parameters and start) before one that always blows up ends the simulation."""

_log = logging.getLogger(__name__)


@dataclass
class SimulationConfig:
    """What to simulate.

    Attributes:
        trajectories: number of trajectories, over all splits.
        resolution: grid points per axis; default of the system if absent.
        frames: stored frames per trajectory; default of the system if absent.
        save_dt: time between stored frames; default of the system if absent.
        seed: fixes parameters, initial conditions and splits.
        initial_condition: family of initial conditions; default of the system if absent.
        ranges: parameter ranges ``{name: [low, high]}`` inside what the grid resolves; default all of that.
        splits: fractions of train, valid and test.
        per_file: trajectories per file.
        precision: float32 or float64 arithmetic (files are float32).
        allow_underresolved: simulate outside the resolved range all the same, and record it in the files.
    """

    trajectories: int = 100
    resolution: list[int] | None = None
    frames: int | None = None
    save_dt: float | None = None
    seed: int = 0
    initial_condition: str | None = None
    ranges: dict[str, list[float]] = field(default_factory=dict)
    splits: list[float] = field(default_factory=lambda: [0.8, 0.1, 0.1])
    per_file: int = 64
    precision: Literal["float32", "float64"] = "float32"
    allow_underresolved: bool = False


def simulate(
    system: str,
    out: str | Path,
    config: SimulationConfig | None = None,
    *,
    workers: int | None = None,
    device: str = "cpu",
) -> Path:
    """Simulate a data set, or finish one that was interrupted.

    Args:
        system: name in `physrep.systems.SYSTEMS`.
        out: folder; the data set becomes ``out/SYSTEM``.
        config: what to simulate.
        workers: processes on a CPU; default the number of cores. The result does not depend on it.
        device: ``"cpu"`` (processes of one thread each) or ``"cuda"`` (one file is one large batch).

    Returns:
        The data set's folder, with ``data/{train,valid,test}/*.hdf5`` and ``stats.yaml``.

    Raises:
        PhysrepError: bad settings, a range that the grid does not resolve, a full disk, or ``out/SYSTEM`` holds another
            data set.
    """
    config = config or SimulationConfig()
    request, notes = _resolve(system, config)
    root = Path(out) / system
    _claim(root, request)
    tasks = _tasks(root, system, request)
    pending = [task for task in tasks if not task.path.exists()]
    total = sum(len(task.indices) for task in tasks)
    done = total - sum(len(task.indices) for task in pending)
    if pending:
        with Progress(total, f"simulate {system}", "trajectories") as progress:
            if done:
                progress.advance(done, "found")
            for task, retried in _run(pending, system, request, notes, workers, device):
                progress.advance(len(task.indices), task.path.name)
                for message in retried:
                    _log.warning(message)
    if not (root / "stats.yaml").exists():
        from .data import write_stats

        write_stats(root)
    return root


@dataclass(frozen=True)
class _Task:
    path: Path
    indices: tuple[int, ...]


def _resolve(name: str, config: SimulationConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """All settings with defaults filled in, as plain data, and notes for the files."""
    from .build import nearest
    from .data import split_counts
    from .systems import SYSTEMS

    if name not in SYSTEMS:
        raise PhysrepError(f"there is no system {name!r}; {nearest(name, list(SYSTEMS))}")
    system = SYSTEMS[name]
    resolution = list(config.resolution or system.resolution)
    if len(resolution) != len(system.axes) or min(resolution) < 8:
        raise PhysrepError(
            f"{name}: resolution {resolution} must be {len(system.axes)} numbers of at least 8, for the axes "
            f"{', '.join(system.axes)}."
        )
    for key, value in (("trajectories", config.trajectories), ("per_file", config.per_file), ("frames", config.frames)):
        if value is not None and value < 1:
            raise PhysrepError(f"{name}: {key} is {value}; it must be at least 1.")
    split_counts(config.trajectories, config.splits)
    ranges = {**system.resolved_ranges(resolution), **{key: tuple(value) for key, value in config.ranges.items()}}
    for key, value in ranges.items():
        if len(value) != 2:
            raise PhysrepError(f"{name}: range of {key} is {list(value)}; give [low, high].")
    complaint = system.check_ranges(resolution, ranges)
    if complaint and not config.allow_underresolved:
        raise PhysrepError(f"{complaint}; take a finer grid, a smaller range, or --allow_underresolved true.")
    request = {
        **asdict(config),
        "system": name,
        "resolution": resolution,
        "frames": config.frames or system.frames,
        "save_dt": config.save_dt or system.save_dt,
        "initial_condition": config.initial_condition or system.initial_conditions[0],
        "ranges": {key: [float(v) for v in value] for key, value in ranges.items()},
    }
    if request["initial_condition"] not in system.initial_conditions:
        family = request["initial_condition"]
        raise PhysrepError(
            f"{name}: there is no initial condition {family!r}; {nearest(family, list(system.initial_conditions))}"
        )
    notes = {"seed": config.seed, "resolved": complaint is None}
    return request, notes


def _claim(root: Path, request: Mapping[str, Any]) -> None:
    """Mark the folder as this request's, or refuse to mix two data sets."""
    mark = root / "simulation.json"
    if mark.exists():
        stored = read_json(mark)
        if stored != request:
            different = sorted(key for key in {*stored, *request} if stored.get(key) != request.get(key))
            raise PhysrepError(
                f"{root}: holds a simulation with other settings ({', '.join(different)}); choose another --out."
            )
        return
    if (root / "data").exists():
        raise PhysrepError(f"{root}: holds data that physrep did not simulate; choose another --out.")
    write_json(mark, request)


def _tasks(root: Path, system: str, request: Mapping[str, Any]) -> list[_Task]:
    from .data import SPLITS, assign_splits

    assigned = assign_splits(request["trajectories"], request["seed"], request["splits"])
    tasks = []
    for split in SPLITS:
        members = [index for index, own in enumerate(assigned) if own == split]
        for number, first in enumerate(range(0, len(members), request["per_file"])):
            path = root / "data" / split / f"{system}_{number:04d}.hdf5"
            tasks.append(_Task(path, tuple(members[first : first + request["per_file"]])))
    return tasks


def _run(
    tasks: Sequence[_Task],
    system: str,
    request: Mapping[str, Any],
    notes: Mapping[str, Any],
    workers: int | None,
    device: str,
):
    """Yield each task when its file is written, with messages about trajectories that were drawn again."""
    workers = max(1, min(len(tasks), workers or cores()))
    if device != "cpu" or workers == 1:
        for task in tasks:
            yield task, _simulate_file(task, system, request, notes, device)
        return
    with process_pool(workers) as pool:
        futures = {pool.submit(_simulate_file, task, system, request, notes, device): task for task in tasks}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _simulate_file(
    task: _Task, system: str, request: Mapping[str, Any], notes: Mapping[str, Any], device: str
) -> list[str]:
    """Simulate the trajectories of one file and write it. Returns messages about retries."""
    import torch

    from .data import write_well
    from .systems import SYSTEMS, Trajectories, trajectory_seed

    model = SYSTEMS[system]
    size = BATCH if device == "cpu" else len(task.indices)
    messages: list[str] = []
    parts: list[Trajectories] = []

    def batch(indices: Sequence[int], attempt: int) -> Trajectories:
        seeds = [trajectory_seed(request["seed"], system, index, attempt) for index in indices]
        return model.simulate(
            model.draw_parameters(seeds, request["resolution"], request["ranges"]),
            seeds,
            resolution=request["resolution"],
            frames=request["frames"],
            save_dt=request["save_dt"],
            initial_condition=request["initial_condition"],
            dtype=getattr(torch, request["precision"]),
            device=device,
        )

    for first in range(0, len(task.indices), size):
        indices = task.indices[first : first + size]
        result = batch(indices, 0)
        for attempt in range(1, ATTEMPTS + 1):
            for row, reason in list(result.failed.items()):
                values = ", ".join(f"{name} {float(v[row]):.4g}" for name, v in result.parameters.items())
                messages.append(f"{system}: trajectory {indices[row]} ({values}): {reason}; drawn again")
                if attempt == ATTEMPTS:
                    raise PhysrepError(
                        f"{messages[-1]} {ATTEMPTS - 1} times without success; take a finer grid or smaller ranges."
                    )
                again = batch([indices[row]], attempt)
                del result.failed[row]
                if again.failed:
                    result.failed[row] = again.failed[0]
                    continue
                for name, stored in result.fields.items():
                    stored[row] = again.fields[name][0]
                for name, stored in result.parameters.items():
                    stored[row] = again.parameters[name][0]
            if not result.failed:
                break
        parts.append(result)
    whole = parts[0]
    if len(parts) > 1:
        whole.fields = {name: torch.cat([part.fields[name] for part in parts]) for name in whole.fields}
        whole.parameters = {name: torch.cat([part.parameters[name] for part in parts]) for name in whole.parameters}
    attributes = {
        **notes,
        "trajectory_numbers": ",".join(map(str, task.indices)),
        "simulation": content_hash(request),
    }
    write_well(task.path, whole, attributes)
    return messages

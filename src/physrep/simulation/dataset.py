"""From a system's name to a data set in The Well's format, by as many worker processes as there are cores.

The unit of work is one file of a split. Which trajectories it holds, their parameters and their initial conditions
follow from the seed and the trajectory's number alone, so the numbers are the same whatever the number of workers, and
an interrupted command goes on with the files that are missing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import as_completed
from pathlib import Path

from ..data import SPLITS, assign_splits, write_stats
from ..devices import resolve_device
from ..errors import PhysrepError
from ..files import read_json, write_json
from ..processes import cores, process_pool
from ..progress import Progress
from .config import MARK, SimulationConfig
from .file import FileTask, simulate_file
from .request import Request, resolve

_log = logging.getLogger(__name__)


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
        system: name in `physrep.systems.SYSTEMS`, or import path.
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
    request = resolve(system, config or SimulationConfig())
    device = resolve_device(device)
    root = Path(out) / request.system.name
    _claim(root, request)
    tasks = file_tasks(root, request)
    simulate_tasks(tasks, request, workers=workers, device=device, label=f"simulate {system}")
    if not (root / "stats.yaml").exists():
        write_stats(root)
    return root


def simulate_tasks(
    tasks: Sequence[FileTask],
    request: Request,
    *,
    workers: int | None = None,
    device: str = "cpu",
    label: str = "simulate",
) -> None:
    """Simulate the files that are not there yet.

    Args:
        tasks: files and their trajectories.
        request: what is simulated.
        workers, device: as in `simulate`.
        label: shown with the progress.
    """
    pending = [task for task in tasks if not task.path.exists()]
    total = sum(len(task.indices) for task in tasks)
    done = total - sum(len(task.indices) for task in pending)
    if pending:
        with Progress(total, label, "trajectories") as progress:
            if done:
                progress.advance(done, "found")
            for task, retried in _run(pending, request, workers, device):
                progress.advance(len(task.indices), task.path.name)
                for message in retried:
                    _log.warning(message)


def _claim(root: Path, request: Request) -> None:
    """Mark the folder as this request's, or refuse to mix two data sets."""
    mark = root / MARK
    if mark.exists():
        stored = read_json(mark)
        if stored != request.settings:
            keys = {*stored, *request.settings}
            different = sorted(key for key in keys if stored.get(key) != request.settings.get(key))
            raise PhysrepError(
                f"{root}: holds a simulation with other settings ({', '.join(different)}); choose another --out."
            )
        return
    if (root / "data").exists():
        raise PhysrepError(f"{root}: holds data that physrep did not simulate; choose another --out.")
    write_json(mark, request.settings)


def file_tasks(root: Path, request: Request) -> list[FileTask]:
    """The files of a data set in ``root``, and the trajectories of each."""
    settings = request.settings
    assigned = assign_splits(settings["trajectories"], settings["seed"], settings["splits"])
    tasks = []
    for split in SPLITS:
        members = [index for index, own in enumerate(assigned) if own == split]
        for number, first in enumerate(range(0, len(members), settings["per_file"])):
            path = root / "data" / split / f"{request.system.name}_{number:04d}.hdf5"
            tasks.append(FileTask(path, tuple(members[first : first + settings["per_file"]])))
    return tasks


def _run(
    tasks: Sequence[FileTask], request: Request, workers: int | None, device: str
) -> Iterator[tuple[FileTask, list[str]]]:
    """Yield each task when its file is written, with messages about trajectories that were drawn again."""
    workers = max(1, min(len(tasks), workers or cores()))
    if device != "cpu" or workers == 1:
        for task in tasks:
            yield task, simulate_file(task, request, device)
        return
    with process_pool(workers) as pool:
        futures = {pool.submit(simulate_file, task, request, device): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()

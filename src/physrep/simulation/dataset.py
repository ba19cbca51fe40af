"""From a system's name to a data set in The Well's format, by as many worker processes as there are cores.

The unit of work is one file of a split. Which trajectories it holds, their parameters and their initial conditions
follow from the seed and the trajectory's number alone, so the numbers are the same whatever the number of workers, and
an interrupted command goes on with the files that are missing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..data import SPLITS, assign_splits, write_stats
from ..devices import resolve_device
from ..errors import PhysrepError
from ..executors import ClusterConfig, Job, open_engine, run_jobs, writing
from ..files import content_hash, read_record, write_json
from ..progress import Progress
from .config import MARK, SimulationConfig
from .file import FileTask, simulate_file
from .request import Request, resolve_request

_log = logging.getLogger(__name__)


def simulate(
    system: str,
    out: str | Path,
    config: SimulationConfig | None = None,
    *,
    workers: int | None = None,
    device: str = "cpu",
    executor: str = "process",
    cluster: ClusterConfig | None = None,
) -> Path:
    """Simulate a data set, or finish one that was interrupted.

    Args:
        system: name in `physrep.systems.SYSTEMS`, or import path.
        out: folder; the data set becomes ``out/SYSTEM``.
        config: what to simulate.
        workers: processes on a CPU; default the number of cores. The result does not depend on it.
        device: ``"cpu"`` (processes of one thread each) or ``"cuda"`` (one file is one large batch).
        executor: what carries the files, see `physrep.executors.open_engine`.
        cluster: what a job asks of a cluster.

    Returns:
        The data set's folder, with ``data/{train,valid,test}/*.hdf5`` and ``stats.yaml``.

    Raises:
        PhysrepError: bad settings, a range that the grid does not resolve, a full disk, or ``out/SYSTEM`` holds another
            data set.
    """
    request = resolve_request(system, config or SimulationConfig())
    device = resolve_device(device)
    root = Path(out) / request.system.name
    tasks = file_tasks(root, request)
    if (root / MARK).exists() and (root / "stats.yaml").exists() and all(task.path.exists() for task in tasks):
        _claim(root, request)
        return root
    with writing(root, "physrep simulate", content_hash(request.settings)):
        _claim(root, request)
        simulate_tasks(
            tasks,
            request,
            workers=workers,
            device=device,
            label=f"simulate {system}",
            executor=executor,
            cluster=cluster,
        )
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
    executor: str = "process",
    cluster: ClusterConfig | None = None,
) -> None:
    """Simulate the files that are not there yet.

    Args:
        tasks: files and their trajectories.
        request: what is simulated.
        workers, device, executor, cluster: as in `simulate`.
        label: shown with the progress.
    """
    pending = [task for task in tasks if not task.path.exists()]
    total = sum(len(task.indices) for task in tasks)
    done = total - sum(len(task.indices) for task in pending)
    if pending:
        with Progress(total, label, "trajectories") as progress:
            if done:
                progress.advance(done, "found")
            for task, retried in _run(pending, request, workers, device, executor, cluster):
                progress.advance(len(task.indices), task.path.name)
                for message in retried:
                    _log.warning(message)


def _claim(root: Path, request: Request) -> None:
    """Mark the folder as this request's, or refuse to mix two data sets."""
    mark = root / MARK
    if mark.exists():
        stored = read_record(mark)
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
        size = settings.get("replicates", 1) if split == "train" else 1
        leaders = [members[place - place % size] for place in range(len(members))]
        for number, first in enumerate(range(0, len(members), settings["per_file"])):
            path = root / "data" / split / f"{request.system.name}_{number:04d}.hdf5"
            own = settings.get("test_seed") if split == "test" else None
            rows = slice(first, first + settings["per_file"])
            of_group = tuple(leaders[rows]) if size > 1 else None
            tasks.append(FileTask(path, tuple(members[rows]), own, of_group))
    return tasks


def _run(
    tasks: Sequence[FileTask],
    request: Request,
    workers: int | None,
    device: str,
    executor: str,
    cluster: ClusterConfig | None,
) -> Iterator[tuple[FileTask, list[str]]]:
    """Yield each task when its file is written, with messages about trajectories that were drawn again."""
    of_job = {f"{task.path.parent.name}/{task.path.name}": task for task in tasks}
    jobs = [
        Job(name, simulate_file, (task, request, device), task.path.with_name(f".{task.path.name}.lease"), _is_written)
        for name, task in of_job.items()
    ]
    # The folder that all workers share is the data set's.
    folder = tasks[0].path.parents[2]
    with open_engine(
        executor, workers=workers, jobs=len(tasks), device=device, folder=folder, cluster=cluster
    ) as engine:
        for job, messages in run_jobs(jobs, engine):
            yield of_job[job.name], messages or []


def _is_written(task: FileTask, request: Request, device: str) -> bool:
    return task.path.exists()

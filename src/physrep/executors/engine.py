"""Executors by name: ``process``, ``slurm``, ``dask:ADDRESS``, or an import path."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..devices import visible_gpus
from ..errors import PhysrepError
from ..registry import resolve
from .config import ClusterConfig
from .jobs import Job, JobLost, JobReply, Surroundings, run_job
from .lease import Terms
from .process import cores, process_pool


@dataclass
class Engine:
    """An executor and its manners.

    Attributes:
        executor: what runs the jobs.
        around: what jobs need of this process.
        terms: of their leases.
        keep_going: whether the other jobs are done when one has failed.
        retries: how often a job whose process has vanished is submitted again.
        losses: exceptions of the executor that mean so.
    """

    executor: Executor
    around: Surroundings
    terms: Terms = field(default_factory=Terms)
    keep_going: bool = True
    retries: int = 3
    losses: tuple[type[BaseException], ...] = (JobLost,)

    def is_loss(self, error: BaseException) -> bool:
        """Whether a job's process has vanished, through no fault of the job that is known."""
        return isinstance(error, self.losses)

    def submit(self, jobs: Sequence[Job]) -> dict[Future[JobReply], Job]:
        """Submit jobs; what the executor can submit as one batch is one."""
        batch: Callable[[], Any] = getattr(self.executor, "batch", contextlib.nullcontext)
        with batch():
            return {self.executor.submit(run_job, job, self.around, self.terms): job for job in jobs}


class InlineExecutor(Executor):
    """Runs each job in this process, at the moment when it is submitted; an exception passes at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@contextlib.contextmanager
def open_engine(
    name: str = "process",
    *,
    workers: int | None = None,
    jobs: int = 1,
    device: str = "cpu",
    folder: str | Path = ".",
    cluster: ClusterConfig | None = None,
) -> Iterator[Engine]:
    """The executor called ``name``, inside the block.

    Args:
        name: ``process``: processes of this machine, or this process itself for one worker; ``slurm``: job
            arrays (``slurm:local``: the same scripts as processes of this machine); ``dask:ADDRESS``: the scheduler
            there; else an import path of what gives a `concurrent.futures.Executor` when it is called.
        workers: processes of ``process``; default one per core, on ``cuda`` one per GPU, which take them in turn, and
            one on a GPU that is named (``cuda:1``).
        jobs: how many there are; more processes than that are not started.
        device: where the jobs compute.
        folder: shared folder; executors keep their files in ``folder/jobs``.
        cluster: what a job asks of a cluster, and the terms of its lease.

    Raises:
        PhysrepError: there is no such executor, or it is not installed or cannot be reached.
    """
    cluster = cluster or ClusterConfig()
    if cluster.expiry < 3 * cluster.heartbeat:
        raise PhysrepError(
            f"cluster.expiry is {cluster.expiry:g}; it must be at least three times cluster.heartbeat "
            f"({cluster.heartbeat:g}), as one heartbeat may be late."
        )
    terms = Terms(cluster.heartbeat, cluster.expiry)
    kind, _, rest = name.partition(":")
    remote = Surroundings(threads=cluster.cpus)
    if name == "process":
        gpus = visible_gpus() if device == "cuda" else []
        wanted = workers or (cores() if device == "cpu" else max(1, len(gpus)))
        count = max(1, min(wanted, jobs))
        if wanted == 1:
            yield Engine(InlineExecutor(), Surroundings(), terms, keep_going=False, retries=0)
            return
        with process_pool(count, max(1, cores() // wanted), gpus) as pool:
            yield Engine(pool, Surroundings(), terms, keep_going=False, retries=0)
        return
    if name in ("slurm", "slurm:local"):
        from .slurm import SlurmExecutor

        with SlurmExecutor(Path(folder) / "jobs", cluster, local=bool(rest)) as executor:
            yield Engine(executor, remote, terms, retries=cluster.retries)
    elif kind == "dask" and rest:
        from .dask import dask_executor

        with dask_executor(rest) as (executor, losses):
            yield Engine(executor, remote, terms, retries=cluster.retries, losses=(JobLost, *losses))
    else:
        known: dict[str, Any] = {"process": None, "slurm": None, "dask:ADDRESS": None}
        with _imported(name, known) as executor:
            losses = (JobLost, BrokenExecutor)
            yield Engine(executor, remote, terms, retries=0, losses=losses)


def _imported(name: str, known: dict[str, Any]) -> Executor:
    made = resolve(name, known, "executor")
    executor = made() if callable(made) else made
    if not isinstance(executor, Executor):
        raise PhysrepError(
            f"executor {name!r} gives a {type(executor).__name__}; it must be a concurrent.futures.Executor."
        )
    return executor

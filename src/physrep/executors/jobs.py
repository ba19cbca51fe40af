"""Independent jobs on any `concurrent.futures.Executor`: claimed, logged, done once, resubmitted when they are killed.

A job is a function of this package (or an importable one) that writes its results atomically into the shared folder.
What an executor returns is a message only: the files say what is done, so any mixture of machines, kills and requeues
ends in the same folder, and several heads (processes that call `run_jobs`) on one folder share its jobs.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PhysrepError, one_line
from ..streams import say_line
from .lease import Terms, Watch, claim
from .log import JobLog

if TYPE_CHECKING:
    from .engine import Engine


class JobLost(Exception):
    """The process that ran a job has vanished without an answer: it was killed, or its machine was."""


@dataclass(frozen=True)
class Job:
    """One piece of work.

    Attributes:
        name: for messages.
        function, arguments: what to call; both can be pickled.
        lease: stem of the files that claim it, see `physrep.executors.lease`.
        finished: whether its results are there, and made of the same request; called with ``arguments``.
        log: file that gets a line for every start and end, and the traceback of a failure; None: none.
        silent: state of the lease that the head has found to have expired; else a worker, who sees it for the first
            time, would take its dead owner for alive.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    lease: Path
    finished: Callable[..., bool]
    log: Path | None = None
    silent: tuple[Any, ...] = ()

    def is_finished(self) -> bool:
        """Whether its results are there."""
        return self.finished(*self.arguments)


@dataclass(frozen=True)
class Surroundings:
    """What a job needs of the process that submitted it: folder, import path, threads."""

    folder: str = field(default_factory=os.getcwd)
    path: tuple[str, ...] = field(default_factory=lambda: tuple(sys.path))
    threads: int | None = None

    def enter(self) -> None:
        """Make this process like that one.

        Raises:
            PhysrepError: the folder is not there, so it is no shared one.
        """
        sys.path.extend(place for place in self.path if place not in sys.path)
        try:
            if os.getcwd() != self.folder:
                os.chdir(self.folder)
        except OSError as error:
            raise PhysrepError(
                f"{self.folder}: is not on the worker ({error.strerror}); head and workers need one shared folder."
            ) from error
        if self.threads is not None:
            # A job that needs no torch does not wait for its import; one that imports it later reads this.
            os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(self.threads)
            if "torch" in sys.modules:
                import torch

                torch.set_num_threads(self.threads)


@dataclass(frozen=True)
class JobReply:
    """What a job's process says: the function's value, or that another one holds or has done the work."""

    value: Any = None
    busy: bool = False


_one_at_a_time = threading.RLock()
"""Random numbers are seeded per process, so a process that has several threads for jobs (dask) runs one at a time."""


def run_job(job: Job, around: Surroundings, terms: Terms) -> JobReply:
    """Do a job in this process if nobody else does; what every executor calls.

    Args:
        job: what to do, with the path of its lease and of its log.
        around: folder, import path and threads of the process that submitted it.
        terms: of the lease.
    """
    with _one_at_a_time:
        around.enter()
        with claim(job.lease, terms, Watch(job.lease, terms, job.silent)) as lease:
            if lease is None:
                return JobReply(busy=True)
            if job.is_finished():
                return JobReply()
            with JobLog(job.log, lease.number):
                value = job.function(*job.arguments)
                if not job.is_finished():
                    raise PhysrepError(f"{job.name}: has ended without its results; see {job.log}.")
            return JobReply(value)


def run_jobs(
    jobs: Sequence[Job],
    engine: Engine,
    *,
    poll: float = 1.0,
) -> Iterator[tuple[Job, Any]]:
    """Do the jobs that are not done; yields each with its function's value as it ends, None where others did it.

    Args:
        jobs: in the order in which they are submitted.
        engine: the executor and its manners.
        poll: seconds between two looks at a job that another head's worker holds.

    Raises:
        PhysrepError: jobs failed; with ``engine.keep_going`` after all others have ended, and the sentence names each.
    """
    failures: list[tuple[Job, BaseException]] = []
    lost: dict[str, int] = {}
    elsewhere: dict[str, tuple[Job, Watch]] = {}
    futures: dict[Future[JobReply], Job] = {}
    pending = []
    for job in jobs:
        if job.is_finished():
            yield job, None
        else:
            pending.append(job)
    futures.update(engine.submit(pending))
    while futures or elsewhere:
        ended = wait(futures, timeout=poll if elsewhere else None, return_when=FIRST_COMPLETED).done if futures else ()
        if not futures:
            time.sleep(poll)
        for future in ended:
            job = futures.pop(future)
            try:
                answer = future.result()
            except Exception as error:
                if engine.is_loss(error) and lost.get(job.name, 0) < engine.retries:
                    lost[job.name] = lost.get(job.name, 0) + 1
                    say_line(f"{job.name}: its process has vanished ({one_line(error, 300)}); submitted again.")
                    futures.update(engine.submit([job]))
                    continue
                if not engine.keep_going:
                    raise
                failures.append((job, error))
                say_line(f"{job.name}: has failed ({one_line(error, 300)}); the others go on.")
                continue
            if answer.busy:
                elsewhere[job.name] = (job, Watch(job.lease, engine.terms))
            else:
                yield job, answer.value
        for name, (job, watch) in list(elsewhere.items()):
            if job.is_finished():
                del elsewhere[name]
                yield job, None
            elif watch.held() is None:
                del elsewhere[name]
                futures.update(engine.submit([replace(job, silent=watch.silent)]))
    if failures:
        told = "; ".join(f"{job.name}: {one_line(error, 300)}" for job, error in failures[:3])
        rest = f" and {len(failures) - 3} more" if len(failures) > 3 else ""
        raise PhysrepError(f"{len(failures)} jobs have failed ({told}{rest}); `physrep status` shows their logs.")

"""Jobs of SLURM, by submitit: one array per batch of submissions, results through the shared folder.

Whether a job is alive is read from ``squeue``, which every cluster answers (``sacct`` needs accounting). A job that is
warned before the end of its time or of its preemption saves its state, gives its lease back and is requeued; one that
vanishes without an answer counts as lost, and its future says so with `JobLost`.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..signals import Stopped
from ..streams import say_line
from .config import ClusterConfig
from .jobs import JobLost

LOOKS = 3
"""Looks at a queue in which a job is missing before it counts as lost: its answer may be on its way through NFS."""


class Task:
    """What submitit pickles and calls: a job that is put back into the queue as it is when it is warned."""

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> tuple[Any, PhysrepError | None]:
        if threading.current_thread() is threading.main_thread():
            # submitit ignores SIGTERM; here it means what it means everywhere: unwind, save, give the lease back.
            signal.signal(signal.SIGTERM, _stop)
        try:
            return function(*arguments), None
        except PhysrepError as error:
            return None, error


class RequeuedTask(Task):
    """The same, with the method that submitit looks for when the warning comes."""

    def checkpoint(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The same call once more; its state is on the disk."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self, function, *arguments)


def _stop(number: int, frame: Any) -> None:
    raise Stopped(number)


class SlurmExecutor(Executor):
    """An Executor whose processes are SLURM jobs, or, to try the same without SLURM, processes that submitit starts.

    Args:
        folder: shared folder for submission scripts, logs and answers.
        cluster: what every job asks for.
        local: start processes of this machine instead of asking SLURM.
        look: seconds between two looks into the queue; default 10, of local processes 0.5.

    Raises:
        PhysrepError: submitit or SLURM is not installed.
    """

    def __init__(self, folder: Path, cluster: ClusterConfig, local: bool = False, look: float | None = None) -> None:
        try:
            import submitit
        except ImportError as error:
            raise PhysrepError("executor slurm needs submitit; pip install 'physrep[slurm]'.") from error
        self.folder, self.cluster, self.local, self.look = (
            Path(folder).resolve(),
            cluster,
            local,
            look or (0.5 if local else 10.0),
        )
        self._task = RequeuedTask() if cluster.requeue else Task()
        try:
            kind: Any = submitit.LocalExecutor if local else submitit.SlurmExecutor
            self._engine: Any = kind(self.folder, max_num_timeout=1000)
        except RuntimeError as error:
            raise PhysrepError(
                "executor slurm: there is no srun here; log in to a cluster, or take process."
            ) from error
        self._engine.update_parameters(**(_local_parameters(cluster) if local else _parameters(cluster)))
        self._jobs: dict[Any, Future[Any]] = {}
        self._missing: dict[str, int] = {}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._held: list[tuple[Any, Future[Any]]] | None = None
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="slurm")
        self._watcher.start()

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """What is submitted inside the block becomes one job array."""
        self._held = []
        try:
            yield
            held, self._held = self._held, None
            if held:
                with self._engine.batch():
                    jobs = [self._engine.submit(self._task, *call) for call, _ in held]
                # Inside the block they are promises; now each of them stands for its job.
                self._register([(job, future) for job, (_, future) in zip(jobs, held, strict=True)])
        except subprocess.SubprocessError as error:
            raise _refused(error) from error
        finally:
            self._held = None

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """One job; its future is cancelled by nothing but the end of the work."""
        if kwargs:
            raise TypeError("jobs of SLURM take no keyword arguments")
        future: Future[Any] = Future()
        if self._held is not None:
            self._held.append(((fn, *args), future))
            return future
        try:
            self._register([(self._engine.submit(self._task, fn, *args), future)])
        except Exception as error:
            if "sbatch" not in str(error) and not isinstance(error, subprocess.SubprocessError):
                raise
            raise _refused(error) from error
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the watching; jobs that have not ended go on, as their results lie in the shared folder."""
        if wait and not cancel_futures:
            while self._jobs:
                time.sleep(0.1)
        self._over.set()
        left = sorted({str(job.job_id).partition("_")[0] for job in self._jobs})
        if left and not self.local:
            say_line(
                f"SLURM jobs {' '.join(left)} go on; the same command waits for them, `scancel {' '.join(left)}` ends "
                "them."
            )
        elif left:
            for job in self._jobs:
                with contextlib.suppress(OSError):
                    job._process.send_signal(signal.SIGTERM)

    def _register(self, pairs: list[tuple[Any, Future[Any]]]) -> None:
        with self._lock:
            for job, future in pairs:
                future.set_running_or_notify_cancel()
                self._jobs[job] = future

    def _watch(self) -> None:
        asked = 0.0
        while not self._over.wait(0.2 if self.local else 1.0):
            with self._lock:
                jobs = dict(self._jobs)
            ask = time.monotonic() - asked > self.look
            alive = self._alive(jobs) if ask and jobs else None
            asked = time.monotonic() if ask else asked
            for job, future in jobs.items():
                if job.paths.result_pickle.exists():
                    _answer(job, future)
                elif alive is None:
                    continue  # not asked this time
                elif job.job_id in alive:
                    self._missing.pop(job.job_id, None)
                    continue
                else:
                    self._missing[job.job_id] = self._missing.get(job.job_id, 0) + 1
                    if self._missing[job.job_id] < LOOKS:
                        continue
                    future.set_exception(JobLost(f"job {job.job_id} has left no answer; {_last_line(job)}"))
                with self._lock:
                    del self._jobs[job]

    def _alive(self, jobs: dict[Any, Any]) -> set[str] | None:
        """Numbers of jobs that wait or run; None if that is unknown now."""
        if self.local:
            return {job.job_id for job in jobs if job._process.poll() is None}
        command = ["squeue", "--noheader", "--array", "--user", str(os.getuid()), "--format", "%i"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        except (OSError, subprocess.SubprocessError):
            return None
        return set(done.stdout.split())


def _answer(job: Any, future: Future[Any]) -> None:
    """Hand on what a job has left."""
    try:
        with open(job.paths.result_pickle, "rb") as file:
            kind, value = pickle.load(file)
    except Exception as error:
        future.set_exception(
            PhysrepError(f"{job.paths.result_pickle}: cannot be read ({error}); see {job.paths.stderr}.")
        )
        return
    if kind != "success":
        future.set_exception(PhysrepError(f"{str(value).strip().splitlines()[-1]} (traceback in {job.paths.stderr})."))
    elif value[1] is not None:
        future.set_exception(value[1])
    else:
        future.set_result(value[0])


def _last_line(job: Any) -> str:
    try:
        lines = Path(job.paths.stderr).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return "nor a log"
    told = next((line.strip() for line in reversed(lines) if line.strip()), "nothing")
    return f"the last line of its log: {told[:200]}"


def _refused(error: BaseException) -> PhysrepError:
    reason = " ".join(str(error).split())[-300:]
    return PhysrepError(f"cluster: SLURM does not take the jobs ({reason}); mend the section `cluster`.")


def _parameters(cluster: ClusterConfig) -> dict[str, Any]:
    """The section `cluster` in the words of submitit."""
    extra: dict[str, Any] = {name.replace("_", "-"): value for name, value in cluster.options.items()}
    extra["requeue" if cluster.requeue else "no-requeue"] = True
    asked = {
        "job_name": "physrep",
        "partition": cluster.partition,
        "time": cluster.time,
        "gpus_per_node": cluster.gpus or None,
        "cpus_per_task": cluster.cpus,
        "mem": None if cluster.memory is None else f"{int(cluster.memory * 1024)}MB",
        "signal_delay_s": cluster.signal,
        "array_parallelism": cluster.parallel,
        "account": cluster.account,
        "qos": cluster.qos,
        "constraint": cluster.constraint,
        "setup": [*cluster.setup, *_imports()] or None,
        "additional_parameters": extra,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _local_parameters(cluster: ClusterConfig) -> dict[str, Any]:
    return {"timeout_min": cluster.time, "signal_delay_s": cluster.signal, "setup": [*cluster.setup, *_imports()]}


def _imports() -> list[str]:
    """The import path of this process, so that a job finds this package and what the user's names lead to."""
    import shlex

    place = str(Path(__file__).resolve().parents[2])
    paths = [place, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return [f"export PYTHONPATH={shlex.quote(os.pathsep.join(dict.fromkeys(paths)))}"]

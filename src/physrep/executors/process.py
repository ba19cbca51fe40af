"""Worker processes for CPU work: one thread each, gone when their parent is gone."""

from __future__ import annotations

import contextlib
import errno
import gc
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from typing import Any

from ..errors import PhysrepError
from ..leftovers import discard_unfinished
from ..open_files import too_many_files
from ..signals import blocked, obey_parent
from ..streams import outlive_readers
from .main_script import script_left_out
from .memory import keep_freed_memory, return_freed_memory

GRACE = 60.0
"""Seconds that workers have to save their state before they are killed."""

_SAFE = "PYTHONSAFEPATH"


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextlib.contextmanager
def process_pool(workers: int, threads: int = 1, gpus: Sequence[str] = ()) -> Iterator[ProcessPoolExecutor]:
    """A pool of fresh processes with ``threads`` torch threads each.

    They are started anew, not forked: a fork copies the parent's threads in an undefined state. When the block is left
    by an exception, a signal's included, the workers are stopped: a training saves its state at its next step.

    Args:
        workers: number of processes.
        threads: threads of torch in each of them.
        gpus: process i sees ``gpus[i % len(gpus)]`` alone (``CUDA_VISIBLE_DEVICES``), as ``cuda``; empty: all of them.
    """
    quiet_resource_tracker()
    context = multiprocessing.get_context("spawn")
    with starting():
        start = (os.getpid(), threads, tuple(gpus), context.Value("i", 0))
        pool = _Pool(workers, mp_context=context, initializer=start_worker, initargs=start)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        stop_workers()
        raise
    pool.shutdown()


class _Pool(ProcessPoolExecutor):
    """Starts its processes with signals blocked until they know what to do with them."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        with starting():
            return super().submit(_run_and_return_memory, fn, *args, **kwargs)


def _run_and_return_memory(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """One job; what it has freed goes back to the system, as its worker may idle beside a larger one."""
    try:
        return fn(*args, **kwargs)
    finally:
        gc.collect()
        return_freed_memory()


@contextlib.contextmanager
def starting() -> Iterator[None]:
    """Processes that are started inside wait with signals until they obey, and run no module of the working folder, nor
    a script that would start its own work again.

    Python starts a worker, and the process that looks after its semaphores, by ``python -c``, which puts the working
    folder before the standard library: a file called ``signal.py`` would be executed instead of Python's.

    Raises:
        PhysrepError: the system gives no process, no semaphore, or no more files; or workers need parts of a script
            that they cannot run; with the remedy.
    """
    before = os.environ.get(_SAFE)
    os.environ[_SAFE] = "1"
    try:
        with blocked(), script_left_out():
            yield
    except OSError as error:
        raise PhysrepError(_not_started(error)) from error
    finally:
        if before is None:
            del os.environ[_SAFE]
        else:
            os.environ[_SAFE] = before


def _not_started(error: OSError) -> str:
    what = f"worker processes cannot be started ({error.strerror or error})"
    if (remedy := too_many_files(error)) is not None:
        return f"{what}; {remedy}, or give 1 job (--jobs 1, --workers 1)."
    if error.errno in (errno.EAGAIN, errno.ENOMEM):
        return f"{what}; the limit of processes or memory is reached, so give 1 job (--jobs 1, --workers 1)."
    return (
        f"{what}; they need semaphores in shared memory, so mount /dev/shm, writable and with space, or give 1 job "
        "(--jobs 1, --workers 1)."
    )


def stop_workers(grace: float = GRACE) -> None:
    """Ask all worker processes of this process to stop, and kill those that have not after ``grace`` seconds."""
    children = multiprocessing.active_children()
    for child in children:
        with contextlib.suppress(OSError):
            child.terminate()
    end = time.monotonic() + grace
    for child in children:
        child.join(max(0.0, end - time.monotonic()))
        if child.is_alive():
            child.kill()
            child.join()


def quiet_resource_tracker() -> None:
    """Let Python's helper process clean up after a killed process without a warning on the terminal."""
    option = "ignore::UserWarning:multiprocessing.resource_tracker"
    if option not in sys.warnoptions:
        sys.warnoptions.append(option)


def start_worker(parent: int, threads: int, gpus: Sequence[str] = (), turn: Any = None) -> None:
    """What every worker process does first.

    Args:
        parent: process id of the parent, with which the worker ends.
        threads: threads of torch.
        gpus: GPUs that the workers take in turn.
        turn: shared counter of the workers that have started.
    """
    obey_parent()
    outlive_readers()
    if gpus:
        # Before torch looks for GPUs; ``turn`` counts the processes that have started.
        with turn.get_lock():
            os.environ["CUDA_VISIBLE_DEVICES"] = str(gpus[turn.value % len(gpus)])
            turn.value += 1
    # A killed parent cannot tell its workers to stop, and orphans would slow down the command that is started next.
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    keep_freed_memory()
    import torch

    torch.set_num_threads(threads)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    discard_unfinished()
    os._exit(1)

"""Checking files in a child process: a damaged file can send libhdf5 into an endless loop, or crash it.

The child says that it is alive at every block that it has read. If it says nothing for a while, or dies, the file that
it was reading has a fault, and a new child goes on with the next one.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from ..signals import STOPPING, blocked
from .faults import Fault
from .remote import AnyPath

TIME_LIMIT = 60.0
"""Seconds without progress after which a file counts as one that libhdf5 cannot read."""

Check = Callable[[AnyPath, Callable[[], None]], list[Fault]]
"""Faults of a file; the second argument is called at every step."""


def check_in_child(paths: Sequence[AnyPath], check: Check, time_limit: float) -> Iterator[tuple[AnyPath, list[Fault]]]:
    """The faults of each file, in order.

    Args:
        paths: files; remote ones are checked in this process, whose connections a child cannot use.
        check: what is done to each of them.
        time_limit: seconds without progress; 0 checks in this process, without a limit.
    """
    fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    rest = list(paths)
    while rest and fork and time_limit > 0 and isinstance(rest[0], Path):
        for path, faults in _child(tuple(rest), check, time_limit):
            rest.remove(path)
            yield path, faults
    for path in rest:
        yield path, check(path, lambda: None)


def _child(paths: Sequence[AnyPath], check: Check, limit: float) -> Iterator[tuple[AnyPath, list[Fault]]]:
    """What one child finds; it ends early after the file at which the child had to be given up."""
    context = multiprocessing.get_context("fork")
    ours, its = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(its, paths, check, os.getpid()), daemon=True)
    with warnings.catch_warnings():
        # A fork of a process with threads: the child uses h5py and NumPy only, which are made for that.
        warnings.simplefilter("ignore", DeprecationWarning)
        with blocked():
            process.start()
    its.close()
    try:
        for path in paths:
            faults = None
            while faults is None:
                if not ours.poll(limit):
                    yield path, [_given_up(path, f"is not read within {limit:g} seconds: the HDF5 library hangs")]
                    return
                try:
                    faults = ours.recv()
                except EOFError:
                    process.join()
                    code = process.exitcode or 0
                    what = signal.Signals(-code).name if code < 0 else f"exit code {code}"
                    yield path, [_given_up(path, f"ends the process that reads it ({what})")]
                    return
            yield path, faults
    finally:
        process.kill()
        process.join()
        ours.close()


def _given_up(path: AnyPath, problem: str) -> Fault:
    return Fault.unreadable_at(path, problem, "it is damaged, so copy or simulate the file again")


def _work(connection: Connection, paths: Sequence[AnyPath], check: Check, parent: int) -> None:
    # The parent gets these signals too, and ends this process.
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    with contextlib.suppress(OSError, AttributeError):
        # A parent that is killed cannot end a child that hangs in a library.
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    try:
        for path in paths:
            connection.send(check(path, lambda: connection.send(None)))
    except (BrokenPipeError, ConnectionResetError):
        os._exit(1)

"""What a signal does: the work saves and stops at its next step where it can, else it stops here.

The command line stops on SIGTERM, SIGINT (Ctrl-C), SIGHUP, SIGUSR1 and SIGUSR2, says so in one sentence, and exits
with 128 plus the signal's number. Work that can save its state runs inside `deferred`: the signal is noted, the work
saves at its next step and leaves the block, and then the signal takes effect. A second SIGINT ends the process at once.
A signal that is ignored when the command starts stays ignored: SIGHUP under nohup, SIGINT in a background job
of a script.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

from .leftovers import discard_unfinished

STOPPING = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)
)
"""Signals that ask a command to stop."""

_AGAIN = 0.02
"""Seconds after which a signal is sent again whose exception Python has discarded."""


class Stopped(KeyboardInterrupt):
    """A signal asked the command to stop; like KeyboardInterrupt it passes every ``except Exception``."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def name(self) -> str:
        """E.g. ``SIGTERM``."""
        return signal.Signals(self.number).name

    @property
    def exit_code(self) -> int:
        """128 plus the number of the signal: 130 for SIGINT, 143 for SIGTERM, 138 for SIGUSR1 (on Linux)."""
        return 128 + self.number


def leave_at_once(number: int) -> None:
    """End this process and its children without unwinding, and without leaving half-written files of this process."""
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError):
            child.kill()
    discard_unfinished()
    os._exit(128 + number)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _install(handler: Any) -> dict[int, Any]:
    """Set ``handler`` for the stopping signals; returns the handlers of before."""
    before = {}
    for number in STOPPING:
        old = signal.getsignal(number)
        if old is signal.SIG_IGN:
            continue  # Whoever started this process meant it so.
        before[number] = old
        signal.signal(number, handler)
    return before


def _restore(before: dict[int, Any]) -> None:
    for number, handler in before.items():
        signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Inside the block the first stopping signal raises `Stopped`; of further ones SIGINT ends the process at once.

    A signal that arrives while a finaliser or a callback of a weak reference runs, where Python discards exceptions,
    is sent again a moment later.
    """
    if not _in_main_thread():
        yield
        return
    received: list[int] = []
    timers: list[threading.Timer] = []
    # While the hook below runs, exceptions are discarded as in the finaliser itself.
    discarding = missed = False

    def handle(number: int, frame: Any) -> None:
        nonlocal missed
        if discarding:
            missed = True
            return
        received.append(number)
        if len(received) == 1:
            raise Stopped(number)
        if number == signal.SIGINT:
            leave_at_once(number)

    def again(discarded: Any) -> None:
        nonlocal discarding, missed
        if not isinstance(discarded.exc_value, Stopped):
            hook(discarded)
            return
        received.clear()
        discarding = missed = True
        while missed:
            missed = False
            timer = threading.Timer(_AGAIN, os.kill, (os.getpid(), discarded.exc_value.number))
            timer.daemon = True
            timers.append(timer)
            timer.start()  # on a busy machine the signal arrives before this returns
        discarding = False

    before, hook = _install(handle), sys.unraisablehook
    sys.unraisablehook = again
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = hook
        _restore(before)


class StopRequest:
    """Whether a signal has asked the work inside `deferred` to stop."""

    def __init__(self) -> None:
        self.number: int | None = None

    def __bool__(self) -> bool:
        return self.number is not None


@contextlib.contextmanager
def deferred() -> Iterator[StopRequest]:
    """Inside the block a stopping signal is noted in the `StopRequest`; when the block is left, it takes effect.

    Outside the main thread, where Python delivers no signals, nothing is deferred.
    """
    request = StopRequest()
    if not _in_main_thread():
        yield request
        return

    def handle(number: int, frame: Any) -> None:
        if request.number is None:
            request.number = number
        elif number == signal.SIGINT:
            leave_at_once(number)

    before = _install(handle)
    try:
        yield request
    finally:
        _restore(before)
        if request.number is not None:
            os.kill(os.getpid(), request.number)


def obey_parent() -> None:
    """In a worker process: SIGTERM, by which the parent stops it, ends it; the others are left to the parent.

    Ctrl-C, a closed terminal and a scheduler's warning reach every process of a job, the parent among them.
    """
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: leave_at_once(number))
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Signals wait until the block is left; a process that is started inside begins with them blocked.

    Without this a signal that reaches a worker before it has called `obey_parent` ends it in a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

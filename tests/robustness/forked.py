"""Commands in forks of one process in which everything is imported: a kill costs no start of Python."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from physrep.cli.barrier import leave
from physrep.cli.main import main
from tests.helpers.processes import living

HANG = 240.0
"""Seconds after which a command counts as hanging."""

ORPHANED = 30.0
"""Seconds after the end of a command after which its workers must be gone: they look once a second, if they can."""


@dataclass(frozen=True)
class End:
    """How a command ended.

    Attributes:
        code: exit code; negative: the signal that killed it; None: it hung.
        text: what it said.
        seconds: from the last signal to the end.
        orphans: processes that it left.
    """

    code: int | None
    text: str
    seconds: float = 0.0
    orphans: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Blow:
    """What happens to a command.

    Attributes:
        signals: pairs of a signal and the seconds after the start, or after the signal before.
        alone: signals reach the process and not its workers.
        size: bytes beyond which no file grows, as with a quota; 0 any.
    """

    signals: Sequence[tuple[signal.Signals, float]] = ()
    alone: bool = False
    size: int = 0


def forked(folder: Path, words: Sequence[str], blow: Blow | None = None) -> End:
    """Run a command in a fork, in ``folder``; it is over when its workers are."""
    blow, said = blow or Blow(), _Said()
    started, ready = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(started)
        _child(folder, said.end, words, blow.size, ready)
    os.close(ready)
    os.read(started, 1)
    os.close(started)
    code: int | None = None
    begun = last = time.monotonic()
    pending = list(blow.signals)
    due = begun + pending[0][1] if pending else 0.0
    while True:
        done, status = os.waitpid(process, os.WNOHANG)
        now = time.monotonic()
        if done:
            code = os.waitstatus_to_exitcode(status)
            break
        if pending and now >= due:
            sent, _ = pending.pop(0)
            with contextlib.suppress(ProcessLookupError, PermissionError):
                (os.kill if blow.alone else os.killpg)(process, sent)
            last, due = now, now + (pending[0][1] if pending else 0.0)
        if now > begun + HANG:
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            break
        said.read()
        time.sleep(0.005)
    # A command that ended by itself has waited for no signal.
    seconds, orphans = 0.0 if pending else time.monotonic() - last, _orphans(process)
    return End(code, said.close(), seconds, orphans)


class _Said:
    """What a command says, through a pipe: a file would be cut off where the size of files is limited."""

    def __init__(self) -> None:
        self._start, self.end = os.pipe()
        os.set_blocking(self._start, False)
        self._parts: list[bytes] = []

    def read(self) -> None:
        """Take what is there."""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._start, 1 << 16):
                self._parts.append(part)

    def close(self) -> str:
        """All of it."""
        self.read()
        os.close(self.end)
        os.close(self._start)
        return b"".join(self._parts).decode(errors="replace")


def _orphans(group: int) -> list[str]:
    """Command lines of living processes of a group that do not end by themselves; they are killed."""
    found = living(group, ORPHANED)
    if found:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    return found


def _child(folder: Path, said: int, words: Sequence[str], size: int, ready: int) -> None:
    code = 70
    try:
        os.setsid()
        os.chdir(folder)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), line_buffering=True)
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), line_buffering=True)
        if size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        os.write(ready, b".")
        os.close(ready)
        leave(main(words))
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        os._exit(code)

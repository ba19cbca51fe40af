"""What a job leaves behind in words: one line per start and end, and the traceback of a failure."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import re
import time
import traceback
from pathlib import Path
from typing import Any

LOG = "log.txt"
"""Name of the file in a run directory."""

_DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
_EVENT = re.compile(rf"{_DATE} (started|finished|failed|stopped)\b")


class _Messages(logging.FileHandler):
    """A full disk loses messages, and nothing else: Python's own handler prints a traceback for each."""

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(OSError):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        return

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()


class JobLog:
    """Writes the start and the end of a job, and this package's log messages between them.

    Args:
        path: file that is appended to; None: none is written.
        attempt: how often the job was started before.
    """

    def __init__(self, path: Path | None, attempt: int) -> None:
        self.path, self.attempt = path, attempt
        self._handler: logging.Handler | None = None
        self._since = time.monotonic()

    def __enter__(self) -> JobLog:
        if self.path is None:
            return self
        output = _output()
        self.write(
            f"started on {platform.node()}, process {os.getpid()}, attempt {self.attempt + 1}"
            + (f", output in {output}" if output else "")
        )
        self._handler = _Messages(self.path, encoding="utf-8", delay=True)
        self._handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logging.getLogger("physrep").addHandler(self._handler)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if self.path is None:
            return
        if self._handler is not None:
            logging.getLogger("physrep").removeHandler(self._handler)
            self._handler.close()
        after = f"after {time.monotonic() - self._since:.1f} s"
        if error is None:
            self.write(f"finished {after}")
        elif isinstance(error, Exception):
            self.write(f"failed {after}\n{''.join(traceback.format_exception(error)).rstrip()}")
        else:
            self.write(f"stopped {after} by {getattr(error, 'name', type(error).__name__)}")

    def write(self, text: str) -> None:
        """Append a dated entry; a full disk loses it, and nothing else."""
        if self.path is not None:
            with contextlib.suppress(OSError), open(self.path, "a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime())} {text}\n")


def _output() -> str:
    """Where SLURM keeps what this process prints; empty where it is no job of `submitit`."""
    folder, job = os.environ.get("SUBMITIT_FOLDER"), os.environ.get("SLURM_JOB_ID")
    if not folder or not job:
        return ""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return str(Path(folder) / f"{f'{array}_{task}' if array and task else job}_0_log.err")


def last_event(path: Path) -> str:
    """``started``, ``finished``, ``failed`` or ``stopped``, whichever was written last; empty without a log."""
    events = [match.group(1) for line in read_log(path) if (match := _EVENT.match(line))]
    return events[-1] if events else ""


def read_log(path: Path) -> list[str]:
    """Lines of a log; none if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []

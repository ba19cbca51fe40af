"""Jobs that tests submit to any executor, in a module that workers can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from physrep.errors import PhysrepError
from physrep.executors import Job
from physrep.files import write_text


def work(folder: Path, name: str, together: int = 1, killed: bool = False) -> str:
    """Note that the work began, and leave its result; on the first of several starts the process may be killed.

    Args:
        folder: of the notes and results.
        name: of the job.
        together: processes that must have begun a job before any of them ends.
        killed: whether the process of the first start is killed.
    """
    with open(folder / f"{name}.starts", "a") as file:
        file.write(f"{os.getpid()}\n")
    if killed and len((folder / f"{name}.starts").read_text().split()) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    end = time.monotonic() + 240
    while len({word for path in folder.glob("*.starts") for word in path.read_text().split()}) < together:
        if time.monotonic() > end:
            raise PhysrepError(f"{name}: no other process came.")
        time.sleep(0.02)
    write_text(folder / f"{name}.result", name)
    return name


def is_done(folder: Path, name: str, together: int = 1, killed: bool = False) -> bool:
    return (folder / f"{name}.result").exists()


def fail(folder: Path, name: str) -> None:
    raise PhysrepError(f"{name}: has a planted fault.")


def never(folder: Path, name: str) -> bool:
    return False


def jobs(folder: Path, n: int, together: int = 1, killed: tuple[int, ...] = ()) -> list[Job]:
    return [
        Job(f"j{i}", work, (folder, f"j{i}", together, i in killed), folder / f"j{i}.lease", is_done) for i in range(n)
    ]


def starts(folder: Path) -> dict[str, int]:
    """How often each job was begun."""
    return {path.stem: len(path.read_text().split()) for path in sorted(folder.glob("*.starts"))}

"""Temporary files and folders whose names say who writes them, and the removal of those whose writer was killed."""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import unwritable

unfinished: set[Path] = set()
"""Temporary files and folders that this process is writing now."""

_TEMPORARY = re.compile(r"\..*\.(?:([0-9a-f]{8})-(\d+)(?:-(\d+))?-[0-9a-f]{8}|[a-z0-9_]{8})\.tmp")
_DAY = 24 * 3600.0
_WEEK = 7 * _DAY
_swept: set[tuple[Path, bool]] = set()


@functools.cache
def writer() -> str:
    """Eight digits for what a process number is unique in: this machine since its start, and this container."""
    words = [platform.node()]
    for place in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with contextlib.suppress(OSError):
            words.append(os.readlink(place) if place.startswith("/proc/self") else Path(place).read_text().strip())
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:8]


def temporary_name(name: str) -> str:
    """A hidden name that no other file has, and that names this process as the writer of ``name``."""
    started = started_at(os.getpid())
    words = [writer(), os.getpid(), *([] if started is None else [started]), secrets.token_hex(4)]
    return f".{name}.{'-'.join(map(str, words))}.tmp"


@contextlib.contextmanager
def temporary_folder(name: str, place: Path | None = None) -> Iterator[Path]:
    """A new folder that vanishes with the block; if the process is killed, with the next such folder in its place.

    What becomes something else is renamed away inside the block.

    Args:
        name: what it is for.
        place: folder that holds it; default the system's temporary folder.

    Raises:
        PhysrepError: it cannot be made.
    """
    try:
        inside = Path(tempfile.gettempdir()) if place is None else place
        inside.mkdir(parents=True, exist_ok=True)
        remove_leftovers(inside, folders=True)
        folder = inside / temporary_name(name)
        # Others may read what stays, once it has its name (the umask is taken off), but nothing in a public folder.
        folder.mkdir(mode=0o700 if place is None else 0o777)
    except OSError as error:
        where = place if place is not None else "the temporary folder (TMPDIR)"
        raise unwritable(where, error, "name another") from error
    unfinished.add(folder)
    try:
        yield folder
    finally:
        _remove(folder)
        unfinished.discard(folder)


def remove_leftovers(folder: Path, deep: bool = False, folders: bool = False) -> None:
    """Delete temporary files or folders whose writer is gone.

    Gone is a process of this machine that has ended. Files of others are left for a day, folders for a week.

    Args:
        folder: where to look; each folder is looked through once per process.
        deep: in the folders below it too.
        folders: folders that `temporary_folder` has made, instead of files.
    """
    for place in [folder, *(Path(root) for root, _, _ in os.walk(folder))] if deep else [folder]:
        if (place, folders) in _swept:
            continue
        _swept.add((place, folders))
        with contextlib.suppress(OSError):
            for entry in os.scandir(place):
                match = _TEMPORARY.fullmatch(entry.name) if entry.name.endswith(".tmp") else None
                if match and Path(entry.path) not in unfinished and _is_gone(entry, place, folders, *match.groups()):
                    _remove(Path(entry.path))


def _remove(path: Path) -> None:
    """Delete a file or a folder, if it is there and can be; links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _is_gone(
    entry: os.DirEntry[str], place: Path, folders: bool, machine: str | None, process: str | None, started: str | None
) -> bool:
    if folders:
        # Without a writer in its name it is a folder of another program.
        if machine is None or not entry.is_dir(follow_symlinks=False):
            return False
    elif not entry.is_file(follow_symlinks=False):
        return False
    if machine == writer() and process is not None:
        return process_is_gone(machine, int(process), None if started is None else int(started))
    return file_system_time(place) - entry.stat(follow_symlinks=False).st_mtime > (_WEEK if folders else _DAY)


def file_system_time(folder: Path) -> float:
    """What time it is by the clock that dates the files of a folder, in seconds; ages of files are differences to it.

    The clock of this machine may be another one (a file server), or wrong. It is asked where nothing can be written.
    """
    probe = folder / temporary_name("now")
    try:
        with open(probe, "xb") as file:
            return os.fstat(file.fileno()).st_mtime
    except OSError:
        return time.time()
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


def started_at(process: int) -> int | None:
    """When a process began, in ticks since the start of the machine; None where the system does not say."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(errors="replace")
        # pid (name) state ...: a name may hold spaces and brackets; this is the 22nd word.
        return int(text.rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def this_process() -> dict[str, Any]:
    """Host, number and start of this process, and what that number is unique in (see `process_is_gone`)."""
    about = {"host": platform.node(), "process": os.getpid(), "machine": writer()}
    return {**about, "started": started_at(os.getpid())}


def process_is_gone(machine: str | None, process: int | None, started: int | None) -> bool:
    """Whether a process that `this_process` described has ended; False where it is unknown, as on another machine.

    Numbers are given again (a container that is started anew has the same few ones): another start is another process.
    """
    if machine != writer() or not isinstance(process, int):
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        pass
    now = started_at(process)
    return None not in (started, now) and now != started


def discard_unfinished() -> None:
    """Delete what this process has not finished: it is about to end without unwinding (``os._exit``)."""
    for temporary in list(unfinished):
        # A fork knows the files of its parent, which go on being written.
        if f"-{os.getpid()}-" in temporary.name:
            _remove(temporary)


atexit.register(discard_unfinished)

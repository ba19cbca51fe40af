"""A claim on a piece of work in a shared folder, which needs no lock of the file system (NFS, Lustre).

A lease is a sequence of small files ``STEM.0``, ``STEM.1``, ...; the owner of the last one holds the work. Giving a
whole file a name that must not exist yet (a hard link; without them ``O_EXCL``) is the only operation that decides,
and it is atomic on network file systems too: who finds a lease that has expired or was given back creates the next
number, and one of many succeeds. Nothing is ever deleted to take a lease over, so a slow owner cannot delete the lease
of its successor.

The owner rewrites its file every `Terms.beat` seconds with a higher count. Others compare no clocks: a lease has
expired when its count has stood still for `Terms.expiry` seconds of the observer's own monotonic clock, or at once
where the owner was a process of this machine that is gone.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import PhysrepError, unwritable
from ..files import write_json
from ..leftovers import process_is_gone, temporary_folder, this_process
from ..streams import say_line


@dataclass(frozen=True)
class Terms:
    """How a lease is kept alive.

    Attributes:
        beat: seconds between two heartbeats of an owner.
        expiry: seconds without a heartbeat after which an owner counts as dead; several beats.
    """

    beat: float = 10.0
    # Network file systems may show a file as it was up to a minute ago.
    expiry: float = 120.0


def _numbered(stem: Path) -> list[int]:
    """Numbers of the files of a lease, rising."""
    pattern = re.compile(re.escape(stem.name) + r"\.(\d+)")
    try:
        matches = [pattern.fullmatch(name) for name in os.listdir(stem.parent)]
    except FileNotFoundError:
        return []
    return sorted(int(match.group(1)) for match in matches if match)


def read_lease(stem: Path) -> dict[str, Any] | None:
    """What the last file of a lease says, with its ``number``; None if there is none."""
    for number in reversed(_numbered(stem)):
        try:
            text = Path(f"{stem}.{number}").read_text(encoding="utf-8")
        except FileNotFoundError:
            continue  # taken back by its owner since the folder was listed
        try:
            return {**json.loads(text), "number": number}
        except (ValueError, TypeError):
            # Created, and not written yet: its owner is a moment old, or died in that moment.
            return {"owner": "", "count": -1, "number": number}
    return None


def is_gone(lease: Mapping[str, Any]) -> bool:
    """Whether the owner of a lease was a process of this machine, and has ended."""
    return process_is_gone(lease.get("machine"), lease.get("process"), lease.get("started"))


class Watch:
    """Whether a lease is held, as one observer sees it.

    Args:
        stem: of the lease.
        terms: when it has expired.
        silent: what another observer has found to have expired: that state of the lease is believed at once.
    """

    def __init__(self, stem: Path, terms: Terms, silent: tuple[Any, ...] = ()) -> None:
        self.stem, self.terms, self.silent = stem, terms, silent
        self._seen: tuple[Any, ...] = ()
        self._since = 0.0

    def held(self) -> dict[str, Any] | None:
        """What the lease says if its owner counts as alive; None if it is free, given back or has expired."""
        return self.look()[0]

    def look(self) -> tuple[dict[str, Any] | None, int]:
        """As `held`, and the number that the next owner's file would have after this one look."""
        lease = read_lease(self.stem)
        if lease is None:
            return None, 0
        after = lease["number"] + 1
        if lease.get("released") or is_gone(lease):
            return None, after
        seen, now = (lease["number"], lease.get("owner"), lease.get("count")), time.monotonic()
        if seen != self._seen:
            self._seen, self._since = seen, now
        if now - self._since > self.terms.expiry:
            self.silent = seen
        return (None if seen == self.silent else lease), after


class Lease:
    """A lease that this process holds, with its heartbeat; made by `claim`.

    Args:
        stem: path of the job's lease without the number; the file of this start stands beside it.
        number: of this start, from 1.
        terms: how often it is renewed, and when it has expired.
        about: what else its file says.
    """

    def __init__(self, stem: Path, number: int, terms: Terms, about: Mapping[str, Any] | None = None) -> None:
        self.stem, self.number, self.terms, self.about = stem, number, terms, dict(about or {})
        self.owner = secrets.token_hex(8)
        self._count = 0
        self._over = threading.Event()
        self._beats = threading.Thread(target=self._beat, daemon=True, name=f"lease of {stem.parent.name}")

    @property
    def path(self) -> Path:
        """The file of this owner."""
        return Path(f"{self.stem}.{self.number}")

    @property
    def lost(self) -> bool:
        """Whether another one has taken the work over, as this process stood still for longer than the expiry."""
        return any(number > self.number for number in _numbered(self.stem))

    def take(self) -> bool:
        """Make the file of the owner and keep it fresh from now on; False where another one was faster.

        Raises:
            PhysrepError: it cannot be written.
        """
        if not _create(self.path, self._about()):
            return False
        self._beats.start()
        return True

    def _about(self) -> dict[str, Any]:
        return {**self.about, **this_process(), "owner": self.owner, "count": self._count, "since": _date()}

    def _write(self, released: bool = False) -> None:
        write_json(self.path, {**self._about(), "released": True} if released else self._about())

    def _beat(self) -> None:
        while not self._over.wait(self.terms.beat):
            self._count += 1
            # A file system that is away for a while is no reason to stop; the next beat tries again.
            with contextlib.suppress(PhysrepError, OSError):
                if self.lost:
                    return
                self._write()

    def release(self, done: bool) -> None:
        """Give the work back.

        Args:
            done: whether it is done, and so recorded that nobody starts it again: then the lease vanishes. Else its
                last file stays, so that the next owner's number is higher than that of any before.
        """
        self._over.set()
        if self._beats.ident is not None:
            self._beats.join(timeout=10)
        # What cannot be written (a full disk) must not hide why the work ends.
        with contextlib.suppress(PhysrepError, OSError):
            if done:
                for number in _numbered(self.stem):
                    Path(f"{self.stem}.{number}").unlink(missing_ok=True)
            elif not self.lost:
                try:
                    self._write(released=True)
                except (PhysrepError, OSError):
                    # An empty file names no owner that could be known to be gone: the next one would wait for long.
                    self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def claim(stem: Path, terms: Terms, watch: Watch | None = None) -> Iterator[Lease | None]:
    """Hold the lease inside the block, or None where another one holds it.

    The caller looks inside the block whether the work is done already: the last owner may have finished it since. Where
    the block ends by an exception, the lease is given back.

    Args:
        stem: of the files; their folder is made.
        terms: of the lease.
        watch: an observer that has looked at this lease before, and knows how long its owner is silent.
    """
    watch = watch or Watch(stem, terms)
    # The number follows from the look itself: after a second one it could lie above an owner that was never judged.
    held, number = watch.look()
    if held is not None:
        yield None
        return
    lease = Lease(stem, number, terms)
    taken = done = False
    try:
        taken = lease.take()
        yield lease if taken else None
        done = True
    finally:
        if taken:
            lease.release(done)


def _create(path: Path, about: Mapping[str, Any]) -> bool:
    """Whether this call made the file. It is whole from the first moment on: an owner that dies then is known by it."""
    text = json.dumps(about)
    try:
        with temporary_folder(path.name, path.parent) as folder:
            whole = folder / path.name
            whole.write_text(text, encoding="utf-8")
            try:
                os.link(whole, path)
            except FileExistsError:
                return False
            except OSError:  # no hard links here
                return _create_and_write(path, text)
        return True
    except OSError as error:
        raise unwritable(path, error) from error


def _create_and_write(path: Path, text: str) -> bool:
    """As `_create`, in two steps: an owner that dies between them leaves an empty file, which has to expire."""
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
    except FileExistsError:
        return False
    try:
        with open(file, "w", encoding="utf-8") as whole:
            whole.write(text)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return True


@contextlib.contextmanager
def hold(stem: Path, terms: Terms, what: str, poll: float = 1.0) -> Iterator[Lease]:
    """Hold the lease inside the block, after waiting for whoever holds it; one line says so.

    Args:
        stem, terms: as for `claim`.
        what: the work, for that line.
        poll: seconds between two looks.
    """
    watch, told = Watch(stem, terms), False
    while True:
        with claim(stem, terms, watch) as lease:
            if lease is not None:
                yield lease
                return
        owner = watch.held()
        if owner is not None and not told:
            say_line(f"{what}: waiting for process {owner.get('process')} on {owner.get('host')}, which does it now.")
            told = True
        time.sleep(poll)


def _date() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())

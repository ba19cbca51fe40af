"""Who writes a folder now: two commands at once must not put results of different settings into one.

Every writer keeps a small file ``.writer-XXXXXXXX.0`` in the folder fresh, as the owner of a lease does, and looks
first at those of others. Looking and entering are one step, under a lease of their own. A file whose writer has ended
on this machine, or that is older than the expiry by the clock of the file system, is removed.
"""

from __future__ import annotations

import contextlib
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..leftovers import file_system_time
from .lease import Lease, Terms, hold, is_gone


@contextlib.contextmanager
def writing(
    folder: str | Path, command: str, settings: str | None = None, terms: Terms | None = None
) -> Iterator[None]:
    """Be a writer of a folder inside the block; the folder is made, and goes if nothing was written into it.

    Args:
        folder: that is written.
        command: for the sentence that others are told.
        settings: a hash of what is asked for: writers of the same work may write at once, as they share it. None
            stands for work that is not shared.
        terms: how long a writer that gives no sign counts as alive.

    Raises:
        PhysrepError: another one writes there, with other settings or work that is not shared; or nothing can be
            written.
    """
    folder, terms = Path(folder), terms or Terms()
    made = not folder.exists()
    try:
        with hold(folder / ".writers", terms, f"{folder}: who writes there", poll=0.1):
            other = _conflict(folder, settings, terms)
            about = {"command": command, "settings": settings}
            lease = Lease(folder / f".writer-{secrets.token_hex(4)}", 0, terms, about)
            if other is None:
                lease.take()
        if other is not None:
            raise PhysrepError(
                f"{folder}: {other.get('command', 'another command')} writes there now"
                f"{_difference(settings, other)} (process {other.get('process', 'unknown')} on "
                f"{other.get('host', 'an unknown host')}); wait until it has ended, or choose another folder."
            )
        try:
            yield
        finally:
            lease.release(done=True)
    finally:
        if made:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _difference(settings: str | None, other: dict[str, Any]) -> str:
    return " with other settings" if None not in (settings, other.get("settings")) else ""


def _conflict(folder: Path, settings: str | None, terms: Terms) -> dict[str, Any] | None:
    """What a living writer of other work says of itself; the files of dead ones are removed."""
    for path in sorted(folder.glob(".writer-*.0")):
        try:
            age = abs(file_system_time(folder) - path.stat().st_mtime)
            other = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue  # it has ended since the folder was listed
        except ValueError:
            other = {}  # created, and not written yet, or damaged: its age decides
        if is_gone(other) or age > terms.expiry:
            with contextlib.suppress(OSError):
                path.unlink()
        elif settings is None or other.get("settings") != settings:
            return other
    return None

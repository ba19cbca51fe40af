"""Processes that a command has started, and that should be gone."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path


def living(group: int, seconds: float) -> list[str]:
    """Command lines of the processes of a group that are still there after so many seconds; looks until none is.

    Args:
        group: number of the process that leads it (``start_new_session``).
        seconds: to wait for; on a system without ``/proc`` nothing is found.
    """
    end = time.monotonic() + seconds
    while found := _members(group):
        if time.monotonic() > end:
            break
        time.sleep(0.05)
    return found


def _members(group: int) -> list[str]:
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # pid (name) state parent group ...; a name may hold spaces and brackets.
            state, _, own = (place / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(own) == group and state != "Z":
                found.append((place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200])
    return found

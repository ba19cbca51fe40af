"""Is there room on the disk? Asked before a long piece of work, not found out at its end."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..errors import PhysrepError

USABLE = 0.98
"""Share of the free space that may be filled."""


def check_space(folder: Path, needed: int, what: str, remedies: str) -> None:
    """Refuse work that needs more disk than is free.

    Args:
        folder: where the bytes go; it need not exist yet.
        needed: bytes.
        what: what needs them, as the subject of a sentence, e.g. ``"the cache"``.
        remedies: what to do about it.

    Raises:
        PhysrepError: too little is free; the sentence says what is needed, what is free and where.
    """
    folder = folder.absolute()
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    free = shutil.disk_usage(existing).free
    if needed > USABLE * free:
        raise PhysrepError(f"{folder}: {what} needs {size_text(needed)}, but {size_text(free)} are free; {remedies}.")


def size_text(size: float) -> str:
    """A size for readers: in 10^9 bytes, or in smaller units where that would be 0.00."""
    if size >= 1e7:
        return f"{size / 1e9:.2f} GB"
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"

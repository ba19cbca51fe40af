"""A folder of large files that is filled file by file, each checked, and goes on after an interruption."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..errors import PhysrepError
from ..files import atomic_path
from ..progress import Progress
from .bundle import MANIFEST, files_of_manifest, sha256

PARTIAL = ".partial"
"""Behind the name of a folder that is not whole yet."""


def fill(out: Path, fetch: Callable[[str, Path], None], manifest: Path, source: str, label: str) -> None:
    """Bring the files that a manifest lists into a folder; what is there with the right hash stays.

    A new folder is filled under another name (`PARTIAL`), which a repeated call goes on with, and is renamed when it is
    whole. One that holds an earlier manifest is changed file by file, the manifest last.

    Args:
        out: the folder.
        fetch: brings a file, by its name, to a path.
        manifest: file that lists names and hashes.
        source: where the files come from, for messages.
        label: of the progress.

    Raises:
        PhysrepError: a file is not what the manifest says, or cannot be had.
    """
    names = files_of_manifest(manifest, source)
    place = out if (out / MANIFEST).is_file() else out.with_name(out.name + PARTIAL)
    place.mkdir(parents=True, exist_ok=True)
    with Progress(len(names), label, "files") as progress:
        for name, wanted in names.items():
            to = place / name
            there = to.is_file() and sha256(to) == wanted
            if not there:
                to.parent.mkdir(parents=True, exist_ok=True)
                with atomic_path(to) as temporary:
                    fetch(name, temporary)
                    if sha256(temporary) != wanted:
                        again = "is missing or damaged; pull it again, or let it be pushed again"
                        raise PhysrepError(f"{source}: {name} {again}.")
            progress.advance(note=f"{name} {'found' if there else ''}".strip())
    if place == out:
        earlier = files_of_manifest(out / MANIFEST, str(out))
    else:
        earlier = [path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()]
    for name in earlier:
        # Of an earlier push, or of an interrupted call for another one.
        if name not in (*names, MANIFEST):
            (place / name).unlink(missing_ok=True)
    with atomic_path(place / MANIFEST) as temporary:
        shutil.copyfile(manifest, temporary)
    if place != out:
        os.replace(place, out)

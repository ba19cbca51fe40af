"""Changing a file as another program does, which knows nothing of what this package has noted in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py

from physrep.data.structure import RECORD


@contextlib.contextmanager
def foreign_edit(path: str | Path) -> Iterator[h5py.File]:
    """The file, open for changes; it is one of another program from now on."""
    with h5py.File(path, "r+") as file:
        for owner in (file, file["dimensions"]):
            owner.attrs.pop(RECORD, None)
        yield file

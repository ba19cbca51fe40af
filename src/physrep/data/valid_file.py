"""Opening a file only if it is in The Well's format, with what is wrong and its remedy otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from .check_format import check_format
from .data_folders import data_folders
from .foreign import refuse_foreign
from .open_hdf5 import open_hdf5
from .remote import AnyPath

_valid: set[tuple[str, int, int, tuple[Path, ...]]] = set()
"""Files that were found valid: reopening one costs no second look."""


def open_valid(path: AnyPath, glance: bool) -> Any:
    """The open file, if it is in The Well's format; one in a format of others is refused with its remedy."""
    try:
        file = open_hdf5(path, glance)
        try:
            _require_valid(path, file)
        except BaseException:
            file.close()
            raise
    except PhysrepError:
        refuse_foreign(path)
        raise
    return file


def _require_valid(path: AnyPath, file: Any) -> None:
    """Raise the first error that `check_format` finds."""
    key = None
    if isinstance(path, Path):
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns, tuple(data_folders(path)))
        if key in _valid:
            return
    errors = [fault for fault in check_format(path, file) if fault.severity == "error"]
    if errors:
        more = f" (`physrep check` names {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise PhysrepError(f"{path}: {errors[0].item}: {errors[0].problem}; {errors[0].remedy}{more}.")
    if key is not None:
        _valid.add(key)

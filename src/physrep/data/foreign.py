"""Files of other formats where a data set is expected: the sentence that names the command which converts them."""

from __future__ import annotations

from pathlib import Path

from ..errors import PhysrepError
from .open_hdf5 import H5_ERRORS
from .remote import AnyPath


def foreign(path: AnyPath) -> tuple[str, str] | None:
    """What is wrong and the remedy, if a local file or folder is in a format of others; None if it is not."""
    from .convert.recognise import describe_foreign

    if not isinstance(path, Path) or not path.exists():
        return None
    try:
        found = describe_foreign(path)
    except H5_ERRORS:
        return None  # It is damaged, whatever it is.
    if found is None:
        return None
    return f"is {found}, not The Well's", f"convert it with: physrep convert {path} {path.stem}_well"


def refuse_foreign(path: AnyPath) -> None:
    """Called where a reader is about to refuse a file or folder for what it lacks.

    Args:
        path: of the file or folder.

    Raises:
        PhysrepError: it is in a format of others; the sentence names the command that converts it.
    """
    found = foreign(path)
    if found is not None:
        raise PhysrepError(f"{path}: {found[0]}; {found[1]}.")

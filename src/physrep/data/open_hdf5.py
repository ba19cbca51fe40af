"""Opening HDF5 files for reading, and what the exceptions of h5py mean: the cause decides the sentence.

Reading never needs a lock. Where the file system knows none (Lustre without ``flock``, some NFS), HDF5's refusal to
open the file is answered by opening it without. A lock that another process holds is a file being written.
"""

from __future__ import annotations

import contextlib
import errno
import re
from collections.abc import Iterator
from pathlib import Path

import h5py

from ..errors import PhysrepError
from .locks import NO_LOCKS
from .remote import AnyPath, RemotePath, as_path, one_sentence
from .remote_cache import open_remote_hdf5

H5_ERRORS = (
    OSError, RuntimeError, KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError, MemoryError,
    SystemError, NotImplementedError, RecursionError,
)  # fmt: skip
"""What h5py raises where a file is damaged, beside what it documents."""

AGAIN = "copy or simulate the file again"


def open_hdf5(path: str | Path | RemotePath, glance: bool = False) -> h5py.File:
    """Open an HDF5 file for reading, or say in one sentence why it cannot be opened; ``glance`` as in `WellFile`."""
    path = as_path(path)
    if isinstance(path, Path) and not path.is_file():
        raise PhysrepError(f"{path}: no such file; check the path.")
    with reading(path, "file"):
        return open_local(path) if isinstance(path, Path) else open_remote_hdf5(path, glance)


def open_local(path: Path) -> h5py.File:
    """A local file, with HDF5's lock where the file system has locks and without elsewhere; raises as h5py does."""
    try:
        return h5py.File(path, "r")
    except OSError as error:
        if error.errno not in NO_LOCKS or "lock" not in str(error):
            raise
        return h5py.File(path, "r", locking=False)


@contextlib.contextmanager
def reading(path: AnyPath, item: str) -> Iterator[None]:
    """Whatever h5py raises in this block becomes a `PhysrepError` that names file and item."""
    try:
        yield
    except PhysrepError:
        raise
    except H5_ERRORS as error:
        problem, remedy = explain(path, error)
        where = "" if item == "file" else f"{item}: "
        raise PhysrepError(f"{path}: {where}{problem}; {remedy}.") from error
    except Exception as error:
        if not isinstance(path, RemotePath):
            raise
        # HDF5 reads through the client of a server, whose exceptions pass through it.
        with one_sentence(path):
            raise error


def explain(path: AnyPath, error: BaseException) -> tuple[str, str]:
    """Problem and remedy for an exception that was raised while a file was read."""
    text = " ".join(str(error).split()).strip("'\"")
    number = error.errno if isinstance(error, OSError) else None
    if (number in (errno.EAGAIN, errno.EACCES) and "lock" in text) or "already open" in text:
        return "is being written by another process", "wait until it has closed the file"
    if number in NO_LOCKS and "lock" in text:
        return "its file system has no locks", "set HDF5_USE_FILE_LOCKING=FALSE"
    if number in (errno.EACCES, errno.EPERM):
        return "may not be read (permission denied)", "ask its owner for permission"
    if number in (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTCONN):
        return f"its disk or server fails ({text[:120]})", "try again, and look after the disk"
    if number in (errno.EMFILE, errno.ENFILE):
        return "too many files are open", "raise the limit with `ulimit -n`"
    if isinstance(error, MemoryError):
        return "asks for more memory than there is, so it is damaged or too large", AGAIN
    if "truncated" in text:
        return "is truncated", AGAIN
    if "signature" in text or (isinstance(path, Path) and path.is_file() and path.stat().st_size == 0):
        return "is not an HDF5 file", "copy it again, or give another file"
    if "checksum" in text or "fletcher32" in text.lower() or "filter returned failure" in text:
        return f"its checksum does not match or it cannot be decompressed ({_short(text)})", AGAIN
    if "plugin" in text or "required filter" in text:
        return f"is compressed with a filter that is not installed ({_short(text)})", "pip install hdf5plugin"
    return f"cannot be read ({_short(text) or type(error).__name__})", AGAIN


def _short(text: str) -> str:
    """Without the address and the number of calls that HDF5 adds."""
    return re.sub(r"\s+", " ", text)[:160]

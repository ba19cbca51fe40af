"""What of remote files is kept on this machine, and how HDF5 reads them.

Three environment variables decide, since this belongs to the machine and not to a study:

- ``PHYSREP_REMOTE_CACHE``: ``blocks`` (default) keeps the parts of files that were read, in sparse files (fsspec's
  ``blockcache``); ``files`` keeps whole files, fetched at the first reading of their fields; ``none`` keeps nothing.
- ``PHYSREP_CACHE``: the folder; default ``physrep`` in ``XDG_CACHE_HOME`` or ``~/.cache``.
- ``PHYSREP_REMOTE_LIMIT``: gigabytes that the kept files may take; those not used for longest go first.

A kept file lies in a folder whose name is a hash of address, size and version, so another version of the file on the
server is another file here. Whole files appear atomically.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from ..errors import PhysrepError
from ..files import atomic_path, cache_home, content_hash
from ..progress import Progress
from .locks import exclusive
from .remote import RemotePath, fingerprint, one_sentence
from .space import check_space, size_text

MODES = ("blocks", "files", "none")

# A block is fetched by one request: large enough to be fast, small enough for a look at metadata.
BLOCK_BYTES = 4 << 20
GLANCE_BYTES = 256 << 10
BLOCKS_IN_MEMORY = 12


class RemoteHDF5(h5py.File):
    """An HDF5 file read through a Python file object, which is closed with it."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        try:
            super().__init__(handle, "r")
        except BaseException:
            handle.close()
            raise

    def close(self) -> None:
        super().close()
        self._handle.close()


def open_remote_hdf5(path: RemotePath, glance: bool = False) -> h5py.File:
    """Open a remote HDF5 file for reading, as the environment says.

    Args:
        path: its address.
        glance: only metadata or a few frames are wanted; then ``files`` does not fetch the whole file for it, unless
            the server gives out whole files only.

    Raises:
        PhysrepError: a bad setting, a file that is missing or cannot be reached, or a disk that is too small.
    """
    mode = os.environ.get("PHYSREP_REMOTE_CACHE") or "blocks"
    if mode not in MODES:
        raise PhysrepError(f"PHYSREP_REMOTE_CACHE is {mode!r}; set it to one of {', '.join(MODES)}.")
    if mode == "none":
        return RemoteHDF5(_open_direct(path, glance))
    version = fingerprint(path)
    folder = cache_home() / mode / content_hash({"url": path.url, **version})
    if mode == "files" and glance and not (folder / path.name).is_file():
        handle = _open_direct(path, glance)
        if _reads_from_anywhere(handle, version["size"]):
            return RemoteHDF5(handle)
        handle.close()
    with _lock(folder.parent):
        # Opened before the lock ends: then another process may delete the file, but not take it away from us.
        _make_room(folder, version["size"] or 0)
        if mode == "blocks":
            return RemoteHDF5(_open_blocks(path, folder))
        return h5py.File(_fetched(path, folder, version["size"]), "r")


def _open_direct(path: RemotePath, glance: bool) -> Any:
    fs, inner = path.filesystem()
    with one_sentence(path):
        if glance:
            return fs.open(inner, "rb", block_size=GLANCE_BYTES, cache_type="blockcache")
        from .remote_blocks import NAME

        kept = {"maxblocks": BLOCKS_IN_MEMORY}
        return fs.open(inner, "rb", block_size=BLOCK_BYTES, cache_type=NAME, cache_options=kept)


def _reads_from_anywhere(handle: Any, size: int | None) -> bool:
    """Whether the server gives out parts of a file; some HTTP servers do not, and say so at the first attempt."""
    if not handle.seekable() or not size:
        return False
    try:
        handle.seek(size // 2)
        handle.read(1)
        handle.seek(0)
    except PhysrepError:
        raise
    except ValueError:
        return False
    return True


def _open_blocks(path: RemotePath, folder: Path) -> Any:
    import fsspec
    from fsspec.spec import AbstractBufferedFile

    fs, inner = path.filesystem()
    with one_sentence(path):
        # Without read-ahead: one byte is asked for.
        plain = fs.open(inner, "rb", block_size=BLOCK_BYTES, cache_type="none")
    with plain:
        if not isinstance(plain, AbstractBufferedFile) or not _reads_from_anywhere(plain, plain.size):
            raise PhysrepError(f"{path}: its server gives out whole files only; set PHYSREP_REMOTE_CACHE=files.")
    with one_sentence(path):
        blocks = fsspec.filesystem(
            "blockcache",
            fs=fs,
            cache_storage=str(folder),
            same_names=True,
            expiry_time=False,
            skip_instance_cache=True,
        )
        return blocks.open(inner, "rb", block_size=BLOCK_BYTES)


def _fetched(path: RemotePath, folder: Path, size: int | None) -> Path:
    copy = folder / path.name
    if not copy.is_file():
        fs, inner = path.filesystem()
        note = f"fetch {path.name}" + (f" ({size_text(size)})" if size else "")
        with Progress(1, note, "files") as progress, atomic_path(copy) as temporary:
            with one_sentence(path):
                fs.get_file(inner, str(temporary))
            if size and temporary.stat().st_size != size:
                raise PhysrepError(f"{path}: came with {temporary.stat().st_size} bytes instead of {size}; try again.")
            progress.advance()
    return copy


def _limit() -> float | None:
    text = os.environ.get("PHYSREP_REMOTE_LIMIT")
    if not text:
        return None
    try:
        limit = 1e9 * float(text)
    except PhysrepError:
        raise
    except ValueError as error:
        raise PhysrepError(f"PHYSREP_REMOTE_LIMIT is {text!r}; give gigabytes, e.g. 200.") from error
    return limit


def _make_room(folder: Path, size: int) -> None:
    """Mark ``folder`` as used now, and make sure that its file of ``size`` bytes fits limit and disk."""
    remedies = (
        "free space, put PHYSREP_CACHE on another disk, set PHYSREP_REMOTE_LIMIT to gigabytes that may be used, or "
        "PHYSREP_REMOTE_CACHE=none"
    )
    folder.mkdir(parents=True, exist_ok=True)
    # Not the clock of the file system, whose ticks of some milliseconds would give two uses the same time; and later
    # than any use before, also where the clock has gone back.
    now = max(time.time_ns(), *(entry.stat().st_mtime_ns + 1 for entry in folder.parent.iterdir()))
    os.utime(folder, ns=(now, now))
    missing = max(0, size - _allocated(folder))
    limit = _limit()
    if limit is not None:
        if size > limit:
            raise PhysrepError(
                f"{folder.parent}: one file has {size_text(size)}, but PHYSREP_REMOTE_LIMIT is {size_text(limit)}; "
                "raise it, or set PHYSREP_REMOTE_CACHE=none."
            )
        kept = {entry: _allocated(entry) for entry in folder.parent.iterdir() if entry.is_dir()}
        for oldest in sorted(kept, key=lambda entry: entry.stat().st_mtime_ns):
            if sum(kept.values()) + missing <= limit:
                break
            if oldest != folder:
                shutil.rmtree(oldest, ignore_errors=True)
                kept.pop(oldest)
    check_space(folder, missing, "the copy of a remote file", remedies)


def _allocated(folder: Path) -> int:
    """Bytes on disk, which are fewer than the sizes say where files are sparse."""
    return sum(512 * entry.stat().st_blocks for entry in folder.iterdir() if entry.is_file())


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One process at a time fetches and deletes; the lock ends with its process, however that ends."""
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(exclusive(folder / ".lock"))
        except OSError as error:
            raise PhysrepError(
                f"{folder}: cannot be written ({error.strerror}); set PHYSREP_CACHE elsewhere."
            ) from error
        yield

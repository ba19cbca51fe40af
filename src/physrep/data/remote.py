"""Data that lie elsewhere: addresses such as ``hf://datasets/polymathic-ai/shear_flow``, read through fsspec.

`RemotePath` has those methods of `pathlib.Path` that readers need, so that they take either; `as_path` makes the one
or the other. What of a remote file is kept on this machine is decided in `physrep.data.remote_cache`.

Every file system has exceptions of its own; here all of them become one sentence.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import PhysrepError, one_line
from ..files import file_fingerprint

# What tells one version of a remote file from another, by file system: HTTP, Hugging Face, S3, memory, ...
VERSION_KEYS = ("ETag", "blob_id", "etag", "Content-MD5", "Digest", "mtime", "LastModified", "created")

HDF5_SUFFIXES = (".hdf5", ".h5")


class RemotePath:
    """An address that fsspec understands, with the methods of `pathlib.Path` that readers of data need.

    Attributes:
        url: the address, without a slash at its end.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"RemotePath({self.url!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemotePath) and other.url == self.url

    def __hash__(self) -> int:
        return hash(self.url)

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    @property
    def suffix(self) -> str:
        return Path(self.name).suffix

    @property
    def parent(self) -> RemotePath:
        return RemotePath(self.url.rsplit("/", 1)[0])

    def filesystem(self) -> tuple[Any, str]:
        """The fsspec file system of this address, and the path in it.

        Raises:
            PhysrepError: fsspec does not know the protocol, or the package for it is not installed.
        """
        from fsspec.core import url_to_fs

        with one_sentence(self):
            return url_to_fs(self.url)

    def info(self) -> dict[str, Any]:
        """What the file system says of this file: ``name``, ``size``, ``type`` and more.

        Raises:
            PhysrepError: there is no such file, or it cannot be reached.
        """
        fs, path = self.filesystem()
        with one_sentence(self):
            return fs.info(path)

    def is_file(self) -> bool:
        """Whether there is a file at this address (a name without suffix is taken for a folder)."""
        if not self.suffix:
            # To HTTP a folder's listing is a file as well.
            return False
        try:
            return self.info()["type"] == "file"
        except PhysrepError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return False
            raise

    def is_dir(self) -> bool:
        """Whether there is a folder at this address that is not empty."""
        # Listing the address of an HDF5 file would load it over HTTP.
        return self.suffix.lower() not in HDF5_SUFFIXES and self._entries() is not None

    def iterdir(self) -> Iterator[RemotePath]:
        """The entries of this folder, in no particular order."""
        for name in self._entries() or []:
            yield self / name

    def read_text(self) -> str:
        """The text of this file, decoded as UTF-8."""
        fs, path = self.filesystem()
        with one_sentence(self):
            return fs.cat_file(path).decode("utf-8")

    def _entries(self) -> list[str] | None:
        fs, path = self.filesystem()
        try:
            with one_sentence(self):
                found = [str(entry).rstrip("/") for entry in fs.ls(path, detail=False)]
        except PhysrepError as error:
            if isinstance(error.__cause__, FileNotFoundError):
                return None
            raise
        # A file is listed as itself, and the pages of HTTP servers link to more than what lies in the folder.
        inside = path.rstrip("/") + "/"
        return sorted({entry.removeprefix(inside) for entry in found if entry.startswith(inside)}) or None


AnyPath = Path | RemotePath


def as_path(path: str | Path | RemotePath) -> Path | RemotePath:
    """A `RemotePath` for an address with ``://``, else a `pathlib.Path`; ``file://`` is a path on this machine."""
    if isinstance(path, Path | RemotePath):
        return path
    if path.startswith("file://"):
        return Path(path.removeprefix("file://"))
    return RemotePath(path) if "://" in path else Path(path)


def fingerprint(path: Path | RemotePath) -> dict[str, Any]:
    """Name, size and version of a file: what a cache key needs to notice that it changed."""
    if isinstance(path, Path):
        return file_fingerprint(path)
    info = path.info()
    version = next((str(info[key]) for key in VERSION_KEYS if info.get(key)), "")
    return {"name": path.name, "size": info["size"], "version": version}


@contextlib.contextmanager
def one_sentence(url: object) -> Iterator[None]:
    """Turn whatever a file system raises into a `PhysrepError`; a full disk of this machine stays an `OSError`."""
    try:
        yield
    except PhysrepError:
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        cause = error.__cause__
        if isinstance(error, FileNotFoundError) and (cause is None or getattr(cause, "status", None) == 404):
            raise PhysrepError(f"{url}: no such file or folder; check the address.") from error
        protocol = str(url).partition("://")[0]
        if isinstance(error, ImportError):
            package = {"hf": "physrep[hf]", "http": "fsspec[http]", "https": "fsspec[http]"}.get(protocol)
            remedy = f"pip install '{package}'" if package else "install it"
            raise PhysrepError(f"{url}: needs a package that is not installed ({error}); {remedy}.") from error
        if isinstance(error, ValueError) and "Protocol not known" in str(error):
            raise PhysrepError(f"{url}: nothing is known of addresses {protocol}://; use hf:// or https://.") from error
        # HTTP says that a file is missing whenever it cannot ask for it; the cause is what happened.
        real = cause if isinstance(error, FileNotFoundError) and cause is not None else error
        reason = one_line(real).rstrip(".")
        raise PhysrepError(
            f"{url}: cannot be reached ({type(real).__name__}: {reason}); check address, network and access."
        ) from real

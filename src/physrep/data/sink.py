"""Where HDF5 writes: a file that never fails before HDF5 has closed it.

An HDF5 file of which a part cannot be written (a full disk, a quota) cannot be closed either: the library prints a
traceback for each of its objects, or ends the process in a crash. So the first error is kept, what follows it is
dropped, and whoever writes asks for it.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any


class Sink(io.RawIOBase):
    """A file for `h5py.File`, which takes any object with the methods of a file.

    Args:
        path: an existing file, whose content is replaced from its beginning on.
    """

    def __init__(self, path: str | Path) -> None:
        super().__init__()
        self._file = os.open(path, os.O_RDWR)
        self._at = self._end = 0
        self._error: OSError | None = None

    def raise_error(self) -> None:
        """Raise the first error there was.

        Raises:
            OSError: a part could not be written; the file is worth nothing.
        """
        if self._error is not None:
            raise self._error

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._end}[whence]
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer; with zeros where nothing could be written."""
        view = memoryview(buffer).cast("B")
        found = os.pread(self._file, len(view), self._at)
        view[:] = found.ljust(len(view), b"\0")
        self._at += len(view)
        return len(view)

    def write(self, data: Any, /) -> int:
        """Write all of it, or keep the error."""
        view, done = memoryview(data).cast("B"), 0
        try:
            while done < len(view) and self._error is None:
                done += os.pwrite(self._file, view[done:], self._at + done)
        except OSError as error:
            self._error = error
        self._at += len(view)
        self._end = max(self._end, self._at)
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        """Give the file the size that HDF5 has used; what was reserved beyond it is given back."""
        self._end = self._at if size is None else size
        try:
            os.ftruncate(self._file, self._end)
        except OSError as error:
            self._error = self._error or error
        return self._end

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()

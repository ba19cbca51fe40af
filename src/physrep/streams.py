"""Standard streams that are closed, or whose reader has gone, end no work."""

from __future__ import annotations

import errno
import functools
import io
import os
import sys
from collections.abc import Container
from typing import Any

_GONE = (errno.EPIPE, errno.ECONNRESET, errno.EIO)
"""The reader has ended, or the terminal has been closed."""


def say_line(text: str) -> None:
    """One line on standard error, at once."""
    print(text, file=sys.stderr, flush=True)


say_once = functools.cache(say_line)
"""The same, once per process."""


class _Any(Container[int]):
    def __contains__(self, number: object) -> bool:
        return True


class _Losing(io.FileIO):
    """A file whose content is lost from the first error of some kinds on."""

    def __init__(self, number: int, lost: Container[int]) -> None:
        super().__init__(number, "w", closefd=False)
        self._lost = lost

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno is None or error.errno not in self._lost:
                raise
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return memoryview(data).nbytes


def open_standard_streams() -> None:
    """Put the null device where standard input, output or error are closed.

    Else the next file that is opened, of data perhaps, gets the number of one, and a library that warns on standard
    error writes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The system gives the lowest free number.
            os.open(os.devnull, os.O_RDWR)


def outlive_readers() -> None:
    """Go on when the reader of standard output has ended (``| head -1``), or what is told cannot be written at all.

    An exception would end the work in its middle, as if it were done. Output that finds no space still is an error.
    """
    open_standard_streams()
    for name, number, lost in (("stdout", 1, _GONE), ("stderr", 2, _Any())):
        stream = getattr(sys, name)
        # None is a stream that was closed when Python started; whoever asks it whether it is a terminal fails.
        if stream is None or isinstance(stream, io.TextIOWrapper):
            encoding = "utf-8" if stream is None else stream.encoding
            # Nothing that is told waits in a buffer: not what was asked to be unbuffered (-u), and no error.
            lines = name == "stderr" or (stream is not None and (stream.line_buffering or stream.write_through))
            buffered = io.BufferedWriter(_Losing(number, lost))
            setattr(sys, name, io.TextIOWrapper(buffered, encoding, "backslashreplace", line_buffering=lines))

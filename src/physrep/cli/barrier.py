"""The last barrier: whatever a command raises becomes one sentence and an exit code, never a traceback.

Faults of the user are `PhysrepError` where they are found. What nobody foresaw is written to a file with its traceback,
and the sentence names the file.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from typing import NoReturn

from ..errors import PhysrepError, one_line
from ..open_files import too_many_files
from ..signals import STOPPING, Stopped, raising
from ..version import __version__


def guarded(name: str, command: Callable[[], int]) -> int:
    """The exit code of the command: its own, 2 after an error, 128 + n after signal n.

    Args:
        name: for messages.
        command: what to run; returns an exit code.
    """
    try:
        with raising():
            try:
                return _in_existing_folder(command)
            except Stopped as stop:
                return _stopped(name, stop)
    except Stopped as stop:
        # The signal came while another error was told.
        return _stopped(name, stop)
    except PhysrepError as error:
        _tell(f"physrep {name}: {error}")
        return 2
    except KeyboardInterrupt:
        return _stopped(name, Stopped(2))
    except BrokenPipeError:
        # The reader of our output (head, less) has gone; what it wanted it has.
        sys.stdout = None
        return 0
    except Exception as error:
        _tell(f"physrep {name}: {explained(error) or _unforeseen(error)}")
        return 2


def _in_existing_folder(command: Callable[[], int]) -> int:
    try:
        os.getcwd()
    except OSError as error:
        raise PhysrepError(
            "the working folder does not exist any more; change to one that does (`cd`), and run the command there."
        ) from error
    return command()


def _stopped(name: str, stop: Stopped) -> int:
    _tell(f"physrep {name}: stopped by {stop.name}; the same command continues where this one stopped.", newline=True)
    return stop.exit_code


def _tell(text: str, newline: bool = False) -> None:
    """Print one line on stderr, if there is one; on a terminal, below what Ctrl-C has left there."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if newline and sys.stderr.isatty():
            print(file=sys.stderr)
        print(" ".join(text.split("\n")), file=sys.stderr, flush=True)


def encodable_output() -> None:
    """Let output streams of other encodings than UTF-8 show what they lack as escapes, instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with contextlib.suppress(OSError, ValueError):
                reconfigure(errors="backslashreplace")


def explained(error: BaseException) -> str | None:
    """The sentence for an exception of a library whose cause is known; None for others."""
    kind, text = type(error).__name__, one_line(error, 300)
    if isinstance(error, MemoryError) or kind == "OutOfMemoryError" or "can't allocate memory" in text:
        return "memory is used up; give a smaller batch, resolution or number of jobs, or a larger machine."
    if kind == "BrokenProcessPool":
        return (
            "a worker process was ended by the system, as happens if memory is used up; give fewer jobs (or workers), "
            "then the same command continues."
        )
    if isinstance(error, ImportError):
        return f"a package cannot be imported ({text}); install it, or repair the installation."
    if isinstance(error, ValueError) and "embedded null byte" in text:
        return "a path that was given holds a null byte; give it without."
    if isinstance(error, OSError) and (remedy := too_many_files(error)) is not None:
        return f"more files are open than the system allows; {remedy}, or give fewer jobs."
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror or text}; check the path, its permissions and free space."
    return None


def _unforeseen(error: BaseException) -> str:
    """A sentence that names the file with the traceback."""
    text = one_line(error)
    summary = f"an unforeseen {type(error).__name__}" + (f" ({text})" if text else "")
    lines = [
        f"physrep {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"arguments: {sys.argv[1:]}",
        *traceback.format_exception(error),
    ]
    try:
        handle, path = tempfile.mkstemp(prefix="physrep-", suffix=".log")
        with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("\n".join(lines))
    except OSError:
        return f"{summary}; it cannot be written to a file either, as the temporary folder is not writable."
    return f"{summary}; the traceback is in {path}: please report it."


def leave(code: int) -> NoReturn:
    """End the program with ``code``, or with 2 if its output could not be written.

    The work is over: signals that come while Python and torch are torn down change the exit code no more.
    """
    with contextlib.suppress(ValueError, OSError):
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL if number == signal.SIGINT else signal.SIG_IGN)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None
    except OSError as error:
        _tell(f"physrep: the output cannot be written ({error.strerror}); free space, or write it elsewhere.")
        sys.stdout, code = None, 2
    sys.exit(code)

"""The one exception that users are meant to see, and the hint that its messages give for misspelt names."""

from __future__ import annotations

import difflib
import errno
from pathlib import Path


class PhysrepError(ValueError):
    """A fault in what the user gave: one sentence that names file, field and remedy.

    The command line prints it without a traceback and exits with code 2.
    """


def nearest(name: str, known: list[str]) -> str:
    """Half a sentence that names the closest known name, or lists all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}."


def one_line(error: object, most: int = 200) -> str:
    """What an error says, in one line of so many characters at most; its type where it says nothing."""
    return " ".join(str(error).split())[:most] or type(error).__name__


def unwritable(path: str | Path, error: Exception, otherwise: str = "choose another --out") -> PhysrepError:
    """What to say of a place that cannot be written: the remedy follows from the cause.

    Args:
        path: the place.
        error: of the system, or of a library that tells of one in words.
        otherwise: what helps besides.
    """
    number = getattr(error, "errno", None)
    if number in (errno.EACCES, errno.EPERM, errno.EROFS):
        remedy = "ask for permission"
    elif number in (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP):
        remedy = "remove the file or link that stands in its place"
    elif number == errno.ENAMETOOLONG:
        remedy = "give shorter names"
    else:
        remedy = "free space"
    reason = getattr(error, "strerror", None) or one_line(error, 120)
    return PhysrepError(f"{path}: cannot be written ({reason}); {remedy} or {otherwise}.")

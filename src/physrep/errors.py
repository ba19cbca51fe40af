"""The one exception that users are meant to see, and the hint that its messages give for misspelt names."""

from __future__ import annotations

import difflib


class PhysrepError(ValueError):
    """A fault in what the user gave: one sentence that names file, field and remedy.

    The command line prints it without a traceback and exits with code 2.
    """


def nearest(name: str, known: list[str]) -> str:
    """Half a sentence that names the closest known name, or lists all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}."

"""What to do where no further file can be opened."""

from __future__ import annotations

import errno


def too_many_files(error: OSError) -> str | None:
    """The remedy for an error of the limit of open files; None for other errors."""
    if error.errno == errno.ENFILE:
        return "the system has no more open files to give; end other programs"
    if error.errno != errno.EMFILE:
        return None
    try:
        import resource
    except ImportError:  # not on every system
        return "raise the limit of open files"
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return f"the limit of open files (`ulimit -n`) is {soft}, the most that this process may ask for"
    wanted = 2 * soft if hard == resource.RLIM_INFINITY else min(2 * soft, hard)
    return f"raise the limit of open files, which is {soft} (`ulimit -n {wanted}`)"

"""What glibc does with memory that is freed: kept within a job, given back between jobs."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from collections.abc import Iterator

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4

_kept = False


def keep_freed_memory() -> bool:
    """Let glibc keep freed blocks instead of returning each large one to the system; False where there is no glibc.

    Every training step frees and asks for the same large activations. By default each of them is mapped anew, and the
    system clears its pages on first touch, which costs more than many of the operations that fill them.
    """
    global _kept
    _kept = _set({_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: 2**31 - 1})
    return _kept


@contextlib.contextmanager
def keeping_freed_memory() -> Iterator[None]:
    """`keep_freed_memory` for a while, then what glibc does by itself; nothing in a process that keeps it always."""
    global _kept
    if _kept:
        yield
        return
    keep_freed_memory()
    try:
        yield
    finally:
        # The largest thresholds that glibc's own rule comes to: setting one of them has ended that rule.
        _set({_M_MMAP_MAX: 65536, _M_MMAP_THRESHOLD: 2**25, _M_TRIM_THRESHOLD: 2**26})
        _kept = False
        return_freed_memory()


def _set(values: dict[int, int]) -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return all([bool(mallopt(option, value)) for option, value in values.items()])


def return_freed_memory() -> bool:
    """Give blocks that are free now back to the system, whatever `keep_freed_memory` said; False without glibc."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return False
    return bool(trim(0))

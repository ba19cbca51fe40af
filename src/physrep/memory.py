"""A setting of the C library's allocator that suits training on a CPU."""

from __future__ import annotations

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4


def keep_freed_memory() -> bool:
    """Let glibc keep freed blocks instead of returning each large one to the system; False where there is no glibc.

    Every training step frees and asks for the same large activations. By default each of them is mapped anew, and the
    system clears its pages on first touch, which costs more than many of the operations that fill them.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_M_MMAP_MAX, 0)) and bool(mallopt(_M_TRIM_THRESHOLD, 2**31 - 1))

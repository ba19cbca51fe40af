"""Worker processes for CPU work: one thread each, gone when their parent is gone."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor

from .files import discard_unfinished


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_pool(workers: int, threads: int = 1) -> ProcessPoolExecutor:
    """A pool of fresh processes with ``threads`` torch threads each.

    They are started anew, not forked: a fork copies the parent's threads in an undefined state.
    """
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(os.getpid(), threads))


def _start(parent: int, threads: int) -> None:
    # A killed parent cannot tell its workers to stop, and orphans would slow down the command that is started next.
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    keep_freed_memory()
    import torch

    torch.set_num_threads(threads)


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    discard_unfinished()
    os._exit(1)


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

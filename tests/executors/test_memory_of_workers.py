"""A worker gives freed memory back between jobs, and the benchmark of memory sees all processes of a command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from physrep.executors import process_pool

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "memory.py"


def resident() -> int:
    """Resident bytes of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def use_and_free(megabytes: int) -> int:
    """Resident bytes after many blocks were filled and freed, but for a small one at the end, which holds the heap."""
    import torch

    global _last
    blocks = [torch.ones(2**18) for _ in range(megabytes)]
    _last = torch.ones(1000)
    del blocks
    return resident()


def test_freed_memory_is_returned_between_jobs():
    with process_pool(1) as pool:
        before = pool.submit(use_and_free, 1).result()
        during = pool.submit(use_and_free, 400).result()
        after = pool.submit(resident).result()
    assert during - before > 300e6  # within a job freed blocks are kept
    assert after - before < 100e6


def keep_for_a_while() -> tuple[int, int]:
    """What filled and freed blocks leave resident while they are kept, and afterwards."""
    from physrep.executors import memory

    memory._kept = False  # as in a process that is no worker
    before = resident()
    with memory.keeping_freed_memory():
        during = use_and_free(400)
        with memory.keeping_freed_memory():
            pass
        inner = resident()
    assert inner >= during - 50e6  # the inner one gives nothing back
    return during - before, resident() - before


def test_memory_is_kept_while_asked_and_given_back_afterwards():
    with process_pool(1) as pool:
        during, after = pool.submit(keep_for_a_while).result()
    assert during > 300e6 and after < 150e6


def test_peak_of_a_command_with_two_processes():
    child = "import time; held = bytearray(150_000_000); time.sleep(1.5)"
    parent = f"import subprocess, sys; held = bytearray(100_000_000); subprocess.run([sys.executable, '-c', {child!r}])"
    run = [sys.executable, str(SCRIPT), "--limit", "0.2", "--", sys.executable, "-c", parent]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "above the limit of 0.2 GB" in done.stdout
    peak, largest = (float(done.stdout.split(word)[1].split()[0]) for word in ("peak", "largest process"))
    assert 0.25 <= peak < 0.35 and 0.15 <= largest < 0.2

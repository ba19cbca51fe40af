"""The clock of the solver benchmarks: CPU time of this process, so that other jobs disturb it least."""

from __future__ import annotations

import time
from collections.abc import Callable


def best(function: Callable[[], object], repeats: int) -> float:
    """Smallest CPU time of several calls, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)

"""Jobs on a dask cluster, hence on whatever starts its workers: SSH, dask-jobqueue, Kubernetes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from typing import Any

from ..errors import PhysrepError, one_line
from ..streams import say_line

TIMEOUT = 30.0
"""Seconds to wait for a scheduler."""


@contextlib.contextmanager
def dask_executor(address: str) -> Iterator[tuple[Executor, tuple[type[BaseException], ...]]]:
    """The Executor of a running scheduler, and the exceptions that mean that a worker has vanished.

    Args:
        address: of the scheduler, ``tcp://host:8786`` or ``host:8786``.

    Raises:
        PhysrepError: dask.distributed is not installed, or nobody answers.
    """
    try:
        from distributed import Client, KilledWorker
    except ImportError as error:
        raise PhysrepError("executor dask needs distributed; pip install 'physrep[dask]'.") from error
    try:
        client = Client(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        reason = one_line(error)
        raise PhysrepError(
            f"executor dask:{address}: the scheduler does not answer ({reason}); start one with `dask scheduler`."
        ) from error
    with client:
        threads: Any = client.nthreads()
        if any(count > 1 for count in threads.values()):
            say_line(
                "dask: workers have several threads, of which one computes, as a process draws from one stream of "
                "random numbers; start them with `dask worker --nthreads 1`."
            )
        with client.get_executor(pure=False) as executor:
            yield executor, (KilledWorker,)

"""Locks between processes that write the same cache, and what happens on file systems that have none."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from ..streams import say_once

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL)
"""What a file system answers that has no locks (Lustre without ``flock``, some NFS)."""


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold a lock on the file ``path``; it ends with the process, however that ends.

    Yields:
        Whether there is a lock. Where the file system has none, a line says so once, and the caller must do without.

    Raises:
        OSError: the file cannot be created.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            held = True
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            say_once(
                f"{path.parent}: its file system has no locks, so commands that run at once may build the same cache "
                "twice; data.cache_dir or PHYSREP_CACHE names another place."
            )
            held = False
        yield held
    finally:
        os.close(handle)

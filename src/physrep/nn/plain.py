"""A switch back to torch's own operators, for whoever counts or checks what own kernels replace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

_plain = 0


@contextmanager
def plain_operators() -> Iterator[None]:
    """Inside, modules take torch's operators in place of own kernels: a counter of operations sees those only."""
    global _plain
    _plain += 1
    try:
        yield
    finally:
        _plain -= 1


def is_plain() -> bool:
    """Whether own kernels are switched off here."""
    return _plain > 0

"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere; and the time that it may take."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TextIO, TypeVar

from .errors import PhysrepError

T = TypeVar("T")


def duration(seconds: float) -> str:
    """Seconds for readers: ``0.4 s``, ``45 s``, ``12 min 5 s``, ``3 h 33 min``, ``2 d 4 h``; ``–`` if unknown."""
    if not math.isfinite(seconds):
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60 and whole < 3600:
        rest = f" {whole % 60} s" if whole % 60 else ""
        return f"{whole // 60} min{rest}"
    if minutes < 48 * 60:
        rest = f" {minutes % 60} min" if minutes % 60 else ""
        return f"{minutes // 60} h{rest}"
    hours = round(seconds / 3600)
    return f"{hours // 24} d" + (f" {hours % 24} h" if hours % 24 else "")


class TimeIsUpError(PhysrepError):
    """The work did not end within its `time_limit`."""


def now() -> float:
    """Seconds of the clock that limits are measured with."""
    return time.monotonic()


_LIMITS = [(math.inf, math.inf)]


@contextlib.contextmanager
def time_limit(seconds: float, training: float = math.inf) -> Iterator[None]:
    """Work inside ends after so many seconds: at its next unit, where a `Progress` counts them, by `TimeIsUpError`.

    Args:
        seconds: for everything.
        training: for training, which keeps what it has learned by then and goes on to what follows.
    """
    begun = now()
    _LIMITS.append((begun + seconds, begun + min(seconds, training)))
    try:
        yield
    finally:
        _LIMITS.pop()


def time_is_up(training: bool = False) -> bool:
    """Whether the innermost `time_limit` is over."""
    return now() > _LIMITS[-1][training]


_SILENCE = [False]


@contextlib.contextmanager
def without_progress(silent: bool = True) -> Iterator[None]:
    """No `Progress` of this process shows anything inside; what else is said is said."""
    _SILENCE.append(silent or _SILENCE[-1])
    try:
        yield
    finally:
        _SILENCE.pop()


class Progress:
    """Counts finished units of work; use as a context manager and call `advance`.

    On a terminal it is a tqdm bar. Elsewhere (a log, a CI job) it prints the first line, the last line and at most one
    line every ``every`` seconds in between, each with the estimated time that is left. Work that looks at `time_is_up`
    by itself says so by ``limited=False``.
    """

    def __init__(
        self,
        total: int,
        label: str,
        unit: str = "it",
        every: float = 10.0,
        stream: TextIO | None = None,
        limited: bool = True,
    ) -> None:
        self.limited = limited
        self.total, self.label, self.unit, self.every = total, label, unit, every
        self.stream = stream if stream is not None else sys.stderr
        self.done = 0
        self._bar = None
        self._silent = _SILENCE[-1]

    def __enter__(self) -> Progress:
        self._start = self._last = time.monotonic()
        if self._silent:
            return self
        if self.stream.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.total, desc=self.label, unit=self.unit, file=self.stream, dynamic_ncols=True)
        else:
            self._line("starts")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()
        elif kind is None:
            self._line(f"done in {duration(time.monotonic() - self._start)}")

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count ``n`` more units; ``note`` is shown behind the count.

        Raises:
            TimeIsUpError: a `time_limit` is over.
        """
        self.done += n
        if self.limited and self.done < self.total and time_is_up():
            raise TimeIsUpError(f"{self.label}: stopped after {self.done} of {self.total} {self.unit}, its time is up.")
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(n)
            return
        now = time.monotonic()
        if now - self._last >= self.every and self.done < self.total:
            self._last = now
            left = (now - self._start) / max(self.done, 1) * (self.total - self.done)
            self._line(f"about {duration(left)} left{', ' + note if note else ''}")

    def _line(self, text: str) -> None:
        if self._silent:
            return
        print(f"{self.label}: {self.done}/{self.total} {self.unit}, {text}", file=self.stream, flush=True)


def each(items: Sequence[T], label: str, unit: str = "it") -> Iterator[T]:
    """The items one by one; each is counted when the next one is asked for.

    Args:
        items: what to go through.
        label, unit: as of `Progress`.
    """
    with Progress(len(items), label, unit) as progress:
        for item in items:
            yield item
            progress.advance()

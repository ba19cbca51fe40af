"""Progress of long work: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO


class Progress:
    """Counts finished units of work; use as a context manager and call `advance`.

    On a terminal it is a tqdm bar. Elsewhere (a log, a CI job) it prints the first line, the last line and at most one
    line every ``every`` seconds in between, each with the estimated time that is left.
    """

    def __init__(
        self, total: int, label: str, unit: str = "it", every: float = 10.0, stream: TextIO | None = None
    ) -> None:
        self.total, self.label, self.unit, self.every = total, label, unit, every
        self.stream = stream if stream is not None else sys.stderr
        self.done = 0
        self._bar = None

    def __enter__(self) -> Progress:
        self._start = self._last = time.monotonic()
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
            self._line(f"done in {time.monotonic() - self._start:.0f} s")

    def advance(self, n: int = 1, note: str = "") -> None:
        """Count ``n`` more units; ``note`` is shown behind the count."""
        self.done += n
        if self._bar is not None:
            if note:
                self._bar.set_postfix_str(note, refresh=False)
            self._bar.update(n)
            return
        now = time.monotonic()
        if now - self._last >= self.every and self.done < self.total:
            self._last = now
            left = (now - self._start) / max(self.done, 1) * (self.total - self.done)
            self._line(f"about {left:.0f} s left{', ' + note if note else ''}")

    def _line(self, text: str) -> None:
        print(f"{self.label}: {self.done}/{self.total} {self.unit}, {text}", file=self.stream, flush=True)

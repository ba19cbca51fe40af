"""A class whose unpickling would write a file: what a malicious checkpoint does."""

from __future__ import annotations

from pathlib import Path


class Payload:
    """Touches ``path`` if it is ever unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))

"""What `physrep check` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .remote import AnyPath


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a file.

    Attributes:
        file: the file or folder.
        item: the part of it, as a path in the HDF5 file, e.g. ``"scalars/Reynolds"`` or ``"dimensions@spatial_dims"``.
        problem: what is wrong.
        remedy: what to do.
        severity: a "warning" does not make the data invalid.
        unreadable: the file could not be read at all.
    """

    file: AnyPath
    item: str
    problem: str
    remedy: str
    severity: Literal["error", "warning"] = "error"
    unreadable: bool = False

    @classmethod
    def unreadable_at(cls, file: AnyPath, problem: str, remedy: str) -> Fault:
        """A fault of something that could not be read.

        Args:
            file: what could not be read.
            problem: why, without the name of the file.
            remedy: what to do about it.
        """
        return cls(file, "file", problem, remedy, "error", True)

    def __str__(self) -> str:
        return f"{self.severity}: {self.file}: {self.item}: {self.problem}; {self.remedy}."

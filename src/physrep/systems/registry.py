"""Systems by name or import path: the same object in every process, whatever it was asked for by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import PhysrepError
from ..registry import Registry, resolve
from .base import System


class SystemRegistry(Registry[System]):
    """Systems by name; ``package.module:Class`` imports one, which from then on also goes by its own name.

    Files name the system that made them, so that whoever reads them in the same process finds its symbols, scales and
    symmetries.
    """

    def __init__(self, own: Mapping[str, System]) -> None:
        super().__init__("physrep.systems", own, as_system)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and ":" in name)

    def __getitem__(self, name: str) -> System:
        if ":" not in name or super().__contains__(name):
            return super().__getitem__(name)
        found = as_system(resolve(name, {}, "system"))
        if super().__contains__(found.name) and type(self[found.name]) is not type(found):
            raise PhysrepError(f"system {name!r} calls itself {found.name!r}, a name that is taken; give it another.")
        self.own.setdefault(found.name, found)
        return self.own[found.name]


def as_system(part: Any) -> System:
    """The system that a class or an object stands for.

    Raises:
        PhysrepError: it is neither a subclass of `System` nor one of its objects.
    """
    found = part() if isinstance(part, type) else part
    if not isinstance(found, System):
        raise PhysrepError(f"{part!r} is no physrep.systems.System; name a subclass of it.")
    return found

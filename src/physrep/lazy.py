"""Packages whose names are imported on first use, so that a command that only reads its arguments starts at once."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any


class LazyPackage(ModuleType):
    """A package that looks its names up in its modules when they are asked for (PEP 562, with one thing more).

    A function and the module that holds it may have one name, as ``data.check``: whoever imports the module would put
    it in the place of the function, so the function is put there instead.

    Attributes:
        __places__: name to the module of the package that holds it.
    """

    __places__: Mapping[str, str]

    def __getattr__(self, name: str) -> Any:
        places = self.__dict__.get("__places__", {})
        if name not in places:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        found = getattr(importlib.import_module(f"{self.__name__}.{places[name]}"), name)
        self.__dict__[name] = found
        return found

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType) and self.__dict__.get("__places__", {}).get(name) == name:
            value = getattr(value, name)
        super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        hidden = {name for name in self.__dict__ if not name.startswith("_") and name not in self.__places__}
        modules = {name for name in hidden if isinstance(self.__dict__[name], ModuleType)}
        # What __init__ needed for itself is nobody's name.
        return sorted({*self.__dict__, *self.__places__} - (hidden - modules))


def names_on_first_use(package: str) -> list[str]:
    """Let a package import its names when they are asked for; called at the end of its ``__init__``.

    The names, and the modules that hold them, are those that its ``if TYPE_CHECKING`` imports for readers of types.

    Args:
        package: its ``__name__``.

    Returns:
        The names, for ``__all__``.
    """
    module = sys.modules[package]
    loader: Any = module.__spec__.loader if module.__spec__ else None
    body = ast.parse(loader.get_source(package)).body
    stated = [line for node in body if isinstance(node, ast.If) for line in node.body]
    places = {own.name: str(line.module) for line in stated if isinstance(line, ast.ImportFrom) for own in line.names}
    module.__class__ = LazyPackage
    module.__dict__["__places__"] = places
    return [*places]

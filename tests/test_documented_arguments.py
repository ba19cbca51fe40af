"""What the rooms export says of its arguments what they are."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import physrep

ROOT = Path(physrep.__path__[0])
ROOMS = [
    "physrep",
    *sorted(f"physrep.{path.parent.name}" for path in ROOT.glob("*/__init__.py")),
    "physrep.report.draw",
]
LEAST = 0.9


def explained(text: str, title: str = "Args") -> set[str]:
    """Names in a section of a docstring; several may share a line."""
    _, _, section = text.partition(f"{title}:\n")
    lines = re.finditer(r"^ {4}(\*{0,2}\w[\w, *]*?)(?: \([^)]*\))?:", section, re.MULTILINE)
    return {name.strip(" *") for line in lines for name in line[1].split(",")}


def arguments(function: Callable[..., Any]) -> set[str]:
    return set(inspect.signature(function).parameters) - {"self", "cls"}


def exported() -> Iterator[tuple[str, set[str], set[str]]]:
    """Name, arguments and explained arguments of every function and method; a method may leave it to its base."""
    for room in ROOMS:
        module = importlib.import_module(room)
        for part in (getattr(module, name) for name in getattr(module, "__all__", ())):
            if not getattr(part, "__module__", "").startswith("physrep"):
                continue
            if inspect.isfunction(part):
                yield f"{part.__module__}.{part.__name__}", arguments(part), explained(inspect.getdoc(part) or "")
            elif inspect.isclass(part):
                yield from methods(part)


def methods(kind: type) -> Iterator[tuple[str, set[str], set[str]]]:
    for name, value in vars(kind).items():
        function = getattr(value, "__func__", value)
        written = inspect.isfunction(function) and Path(function.__code__.co_filename).is_relative_to(ROOT)
        if not written or (name.startswith("_") and name != "__init__"):
            continue
        texts = [inspect.getdoc(vars(base)[name]) for base in kind.__mro__ if name in vars(base) and name != "__init__"]
        texts += [inspect.getdoc(kind), inspect.getdoc(function)] if name == "__init__" else []
        known = set().union(*(explained(text or "") for text in texts))
        if name == "__init__" and is_dataclass(kind):
            known |= explained(inspect.getdoc(kind) or "", "Attributes")
        yield f"{kind.__module__}.{kind.__name__}.{name}", arguments(function), known


def test_exported_functions_explain_their_arguments() -> None:
    found = {name: own - known for name, own, known in exported() if len(own) >= 2}
    silent = {name: sorted(missing) for name, missing in found.items() if missing}
    assert len(found) > 150
    assert len(silent) <= (1 - LEAST) * len(found), silent


def test_an_argument_left_out_is_seen() -> None:
    text = "Draw.\n\nArgs:\n    ax: axes.\n    low, high: ends, with a colon: here.\n        more: of them.\n"
    assert explained(text) == {"ax", "low", "high"}

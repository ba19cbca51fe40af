"""Names of this package's parts, read from its source: a wrong one is answered before torch is imported."""

from __future__ import annotations

import ast
import sys
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from .errors import PhysrepError, nearest

# Package and variable in it that holds the parts: a dictionary by name, or a tuple of objects that state their own.
PLACES = {
    "system": ("physrep.systems", "OWN"),
    "learner": ("physrep.learners", "OWN"),
    "encoder": ("physrep.nn", "ENCODERS"),
    "probe": ("physrep.probes", "OWN"),
}


def check_name(kind: str, name: str) -> None:
    """Refuse what is certainly no name of a part.

    Import paths (``module:Class``, ``module.Class``), sources (``hf:...``), paths of files and names that a plugin
    registers pass; they are looked up where they are used. Where the package of the parts is imported already, parts
    may have been added to it, and every name passes.

    Args:
        kind: key of `PLACES`.
        name: what the user wrote.

    Raises:
        PhysrepError: there is no such part; the nearest known name is suggested.
    """
    package = PLACES[kind][0]
    if package in sys.modules or any(mark in name for mark in ":./\\") or Path(name).exists():
        return
    known = [*own_names(kind), *(point.name for point in entry_points(group=package))]
    if name not in known:
        raise PhysrepError(f"there is no {kind} {name!r}; {nearest(name, known)}")


@cache
def own_names(kind: str) -> tuple[str, ...]:
    """Names of the package's own parts, in their order.

    Args:
        kind: key of `PLACES`.
    """
    package, variable = PLACES[kind]
    tree = _source(package)
    for node in tree.body:
        targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
        if any(isinstance(target, ast.Name) and target.id == variable for target in targets):
            value: Any = getattr(node, "value", None)
            if isinstance(value, ast.Dict):
                return tuple(ast.literal_eval(key) for key in value.keys if key is not None)
            return tuple(_own_name(package, tree, part.func.id) for part in value.elts)
    raise LookupError(f"{package} has no {variable}")


def _own_name(package: str, tree: ast.Module, owner: str) -> str:
    """What a class states as its ``name``, found along the imports of its package."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == owner:
            for line in node.body:
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "name":
                    return str(ast.literal_eval(line.value))
        if isinstance(node, ast.ImportFrom) and node.level == 1 and owner in (part.name for part in node.names):
            inner = f"{package}.{node.module}"
            return _own_name(inner, _source(inner), owner)
    raise LookupError(f"{package} has no class {owner} with a name")


def _source(module: str) -> ast.Module:
    # Not by importlib: to find a module it imports the packages that hold it.
    path = Path(__file__).parent.joinpath(*module.split(".")[1:])
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))

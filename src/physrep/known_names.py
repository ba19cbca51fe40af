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
    "metric": ("physrep.metrics", "OWN"),
    "analysis": ("physrep.analyses", "OWN"),
    "observation step": ("physrep.data.observation", "STEPS"),
    "instrument": ("physrep.data.observation.combinations", "COMBINATIONS"),
}
FAMILIES = ("jepa", "videomae", "mpp", "disco", "poseidon", "walrus", "pde_transformer")
"""Published models whose weights can be read; each is one module of `physrep.checkpoints`."""
EXECUTORS = ("process", "slurm", "slurm:local", "dask:ADDRESS")


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


def check_family(name: str) -> None:
    """Refuse an unknown family of published weights.

    Args:
        name: what the user wrote.

    Raises:
        PhysrepError: it is none of `FAMILIES`.
    """
    if name not in FAMILIES:
        raise PhysrepError(f"--as {name!r} is unknown; give one of {', '.join(FAMILIES)}.")


def check_executor(name: str) -> None:
    """Refuse what is certainly no executor: neither one of `EXECUTORS` nor an import path.

    Args:
        name: what the user wrote.

    Raises:
        PhysrepError: there is no such executor.
    """
    if name not in EXECUTORS and not any(mark in name for mark in ":."):
        raise PhysrepError(f"there is no executor {name!r}; {nearest(name, list(EXECUTORS))}")


def check_steps(steps: Any) -> None:
    """Refuse unknown steps of an observation; what is written in another form is refused where it is read.

    Args:
        steps: of one entry ``data.observation``: names, or names with options.

    Raises:
        PhysrepError: there is no such step.
    """
    known = [*own_names("observation step"), *own_names("instrument")]
    for entry in steps if isinstance(steps, list) else []:
        name = next(iter(entry)) if isinstance(entry, dict) and len(entry) == 1 else entry
        if isinstance(name, str) and name not in known:
            raise PhysrepError(f"observation: there is no step {name!r}; {nearest(name, known)}")


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
                return _keys(package, tree, value)
            return tuple(_own_name(package, tree, getattr(part, "func", part).id) for part in value.elts)
    raise LookupError(f"{package} has no {variable}")


def _keys(package: str, tree: ast.Module, value: ast.Dict) -> tuple[str, ...]:
    """Keys of a dictionary, and of those that it takes over from modules of its package."""
    found: list[str] = []
    for key, part in zip(value.keys, value.values, strict=True):
        if key is not None:
            found.append(ast.literal_eval(key))
            continue
        inner, source = _imported(package, tree, getattr(part, "id", ""))
        found += next(
            _keys(inner, source, node.value)
            for node in source.body
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == getattr(part, "id", "")
            if isinstance(node.value, ast.Dict)
        )
    return tuple(found)


def _imported(package: str, tree: ast.Module, name: str) -> tuple[str, ast.Module]:
    """The module of a package from which a name is imported."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level == 1 and name in (part.name for part in node.names):
            return f"{package}.{node.module}", _source(f"{package}.{node.module}")
    raise LookupError(f"{package} imports no {name}")


def _own_name(package: str, tree: ast.Module, owner: str) -> str:
    """What a class states as its ``name``, or an object is made with, found along the imports of its package."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == owner:
            return str(ast.literal_eval(node.value.args[0]))  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(node, ast.ClassDef) and node.name == owner:
            for line in node.body:
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == "name":
                    return str(ast.literal_eval(line.value))
    inner, source = _imported(package, tree, owner)
    return _own_name(inner, source, owner)


def _source(module: str) -> ast.Module:
    # Not by importlib: to find a module it imports the packages that hold it.
    path = Path(__file__).parent.joinpath(*module.split(".")[1:])
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))

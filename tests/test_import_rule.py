"""The import rule, read from docs/concepts.md: rooms import only from rooms further left."""

from __future__ import annotations

import ast
from pathlib import Path

import physrep

ROOT = Path(physrep.__path__[0])
DOCS = Path(__file__).parents[1] / "docs" / "concepts.md"


def rule() -> dict[str, int]:
    """Room to its rank, from the one line of the docs that states the order."""
    line = next(line for line in DOCS.read_text(encoding="utf-8").splitlines() if "  <-  " in line)
    return {room.strip(): rank for rank, group in enumerate(line.split("<-")) for room in group.split(",")}


def arrows() -> list[tuple[str, str, str]]:
    """(file, its room, room that it imports from), imports inside functions included, those for types left out."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts in (("__init__",), ("__main__",)):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for_types = {
            child
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for child in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level and node not in for_types:
                package = parts[: len(parts) - node.level]
                target = [*package, *(node.module.split(".") if node.module else [])]
                names = [target[0]] if target else [alias.name for alias in node.names]
                found += [(str(path.relative_to(ROOT)), parts[0], name) for name in names if name != parts[0]]
    return found


def test_imports_run_one_way() -> None:
    ranks = rule()
    back = [arrow for arrow in arrows() if ranks[arrow[2]] >= ranks[arrow[1]]]
    assert not back, back


def test_every_room_is_in_the_rule() -> None:
    rooms = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert rooms - {"__init__", "__main__"} == set(rule())

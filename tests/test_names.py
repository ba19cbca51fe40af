"""Names of this package that pages, docstrings, benchmarks and examples mention are there."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def there(name: str) -> bool:
    """Whether ``physrep.a.b.C`` is a module, or what one holds; attributes of objects are not looked at."""
    parts = name.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError as error:
            if not str(error.name).startswith("physrep"):
                return True  # an extra that is not installed here
            continue
        return k == len(parts) or hasattr(found, parts[k])
    return False


def test_names_of_pages_and_docstrings_are_there() -> None:
    pages = [ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    places = {
        name: path
        for path in [*pages, *(ROOT / "src").rglob("*.py")]
        for name in re.findall(r"`(physrep(?:\.\w+)+)`", path.read_text(encoding="utf-8"))
    }
    assert len(places) > 100
    assert not {name: str(path) for name, path in places.items() if not there(name)}


def test_what_benchmarks_and_examples_import_is_there() -> None:
    asked = {
        f"{node.module}.{alias.name}": path
        for path in [*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("examples/**/*.py")]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and not node.level and str(node.module).split(".")[0] == "physrep"
        for alias in node.names
    }
    assert len(asked) > 50
    assert not {name: str(path) for name, path in asked.items() if not there(name)}

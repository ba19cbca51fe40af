"""A public name means one thing in the whole package."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import physrep

ROOT = Path(physrep.__path__[0])

ROLES = {
    "run": "cli/",
    "read": "cli/",
    "convert": "checkpoints/",
    "diverse": "systems/",
    "the_well": "systems/",
}
"""One function of a room that every file of its kind has: a command's, a checkpoint's, an initial condition's."""

SAME_SUBJECT = {
    "active_matter", "shear_flow", "rayleigh_benard",
    "answers", "classification", "falsification", "naming", "parameters", "spatial_head",
}  # fmt: skip
"""Named after a system or an analysis, of which each room has its part: equation and regimes, section and answer."""

PUBLIC = {"convert": "data/convert/", "compare": "benchmark/", "score": "benchmark/"}
"""What `physrep` itself exports under a name that is a role elsewhere."""


def defined(root: Path) -> dict[str, list[str]]:
    """Public classes and functions at the top of every module, with the files that define them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(root.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(root).as_posix())
    return found


def twice(found: dict[str, list[str]]) -> Iterable[str]:
    for name, files in sorted(found.items()):
        if name in SAME_SUBJECT:
            continue
        role = ROLES.get(name, "\0")
        left = [file for file in files if not file.startswith((role, PUBLIC.get(name, "\0")))]
        if len(left) > 1 or (left and len(files) > len(left)):
            yield f"{name}: {', '.join(files)}"


def test_a_public_name_is_defined_once() -> None:
    assert not list(twice(defined(ROOT)))


def test_a_name_that_is_defined_twice_is_seen(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("class Cost: ...\n\n\ndef _hidden(): ...\n")
    assert list(twice(defined(tmp_path))) == ["Cost: one.py, two.py"]

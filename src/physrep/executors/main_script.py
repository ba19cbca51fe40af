"""Whether worker processes may run the user's script, of which theirs is what ``if __name__ == "__main__":`` leaves.

A process that is started anew runs the script of its parent again, for the parts that it registers. A script without
that line would start its own work again in each of them, so it is left out.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from ..errors import PhysrepError
from ..registry import parts_of_script


@contextlib.contextmanager
def script_left_out() -> Iterator[None]:
    """Processes that are started inside do not run a script that would start its own work again.

    Raises:
        PhysrepError: the script registers parts that worker processes would then not know.
    """
    main = sys.modules["__main__"]
    file = getattr(main, "__file__", None)
    if file is None or getattr(main, "__spec__", None) is not None or _is_guarded(Path(file)):
        yield
        return
    if parts := parts_of_script():
        raise PhysrepError(
            f"{file}: worker processes need {', '.join(parts)} of this script, and would start its work again; put "
            'what it does under `if __name__ == "__main__":`, or its parts into a module.'
        )
    # multiprocessing reads the script's path from this module, if it has one.
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _is_guarded(file: Path) -> bool:
    """Whether a top-level ``if`` of a Python file asks for ``__name__``; False for what is no file (standard input)."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return False
    asked = (part for node in tree.body if isinstance(node, ast.If) for part in ast.walk(node.test))
    return any(isinstance(part, ast.Name) and part.id == "__name__" for part in asked)

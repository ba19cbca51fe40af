"""`physrep completion`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Sequence
from typing import Any

from ..errors import PhysrepError, nearest
from .arguments import Parser, parser

SHELLS = ("bash", "zsh", "fish")


def run(arguments: Sequence[str]) -> int:
    """Print a script for a shell."""
    p = parser(
        "completion",
        "Print what a shell needs to complete commands, options and files, made by shtab. bash: save it as "
        "~/.local/share/bash-completion/completions/physrep. zsh: as _physrep in a folder of $fpath. fish: as "
        "~/.config/fish/completions/physrep.fish.",
    )
    p.add_argument("shell", type=str, help=", ".join(SHELLS))
    values = p.parse_args(list(arguments))
    if values.shell not in SHELLS:
        raise PhysrepError(f"shell {values.shell!r} is not known; {nearest(values.shell, list(SHELLS))}")
    try:
        import shtab  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise PhysrepError("completion needs shtab; pip install 'physrep[completion]'.") from error
    print(shtab.complete(whole_parser(shtab.FILE), values.shell))
    return 0


def whole_parser(files: Any) -> argparse.ArgumentParser:
    """All commands as one parser of argparse, with their options and help.

    Args:
        files: what completes an argument by the names of files.
    """
    from .list import KINDS
    from .main import COMMANDS

    whole = argparse.ArgumentParser(prog="physrep")
    whole.add_argument("-V", "--version", action="store_true", help="print the version")
    commands = whole.add_subparsers(dest="command")
    for name, (module, about) in COMMANDS.items():
        command = commands.add_parser(name, help=about, description=about)
        for action in parser_of(module)._actions:
            _add(command, action, files)
        if name in ("list", "completion"):
            choices = KINDS if name == "list" else SHELLS
            next(a for a in command._actions if a.dest in ("kind", "shell")).choices = choices
    return whole


def _add(command: argparse.ArgumentParser, action: argparse.Action, files: Any) -> None:
    if action.dest in ("help", "print_shtab"):
        return
    words = (action.help or "").replace("%", "%%")
    if not action.option_strings:
        own = command.add_argument(action.dest, nargs="?", help=words)
        own.complete = files  # type: ignore[attr-defined]
    elif action.nargs == 0:
        command.add_argument(*action.option_strings, dest=action.dest, action="store_true", help=words)
    else:
        own = command.add_argument(*action.option_strings, dest=action.dest, choices=action.choices, help=words)
        if action.choices is None:
            own.complete = files  # type: ignore[attr-defined]


class _Built(Exception):
    def __init__(self, built: Parser) -> None:
        super().__init__()
        self.built = built


def parser_of(module: str) -> Parser:
    """The parser that a command builds, taken from it before it parses."""
    command = importlib.import_module(f".{module}", __package__)
    before = Parser.parse_args

    def take(self: Parser, *_: Any, **__: Any) -> Any:
        raise _Built(self)

    Parser.parse_args = take  # type: ignore[method-assign]
    try:
        command.run([])
    except _Built as found:
        return found.built
    finally:
        Parser.parse_args = before  # type: ignore[method-assign]
    raise AssertionError(f"the command {module} parses nothing")

"""Commands that the pages show are understood: their names, options and values, read by the parser of each."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from physrep.cli.arguments import Parser
from physrep.cli.main import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *sorted(ROOT.glob("examples/**/*.md"))]


class Parsed(Exception):
    """The command line was understood; nothing else is done."""


def commands() -> dict[str, Path]:
    """Indented lines that begin with ``physrep``, without those that leave something out (``...``)."""
    found = {}
    for page in PAGES:
        text = re.sub(r"\\\n\s*", " ", page.read_text(encoding="utf-8"))
        for line in re.findall(r"^    (?:[A-Z_]+=\S+ )*physrep (.*)$", text, re.MULTILINE):
            command = re.split(r"\s#|\s>\s|\s&\s|;", line)[0].strip()
            if "..." not in command and "[--" not in command:
                found.setdefault(command, page)
    return found


def test_commands_of_pages_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Parser.parse_args

    def parse_args(self: Parser, *words: Any, **settings: Any) -> Any:
        whole(self, *words, **settings)
        raise Parsed

    monkeypatch.setattr(Parser, "parse_args", parse_args)
    shown, refused = commands(), {}
    assert len(shown) > 60
    for command, page in shown.items():
        name, *words = shlex.split(command)
        assert name in COMMANDS, f"{page}: {command}"
        run = importlib.import_module(f"physrep.cli.{COMMANDS[name][0]}").run
        try:
            run(words)
        except Parsed:
            continue
        except Exception as error:  # the sentence belongs to the command
            refused[f"{page.name}: {command}"] = str(error)
    assert not refused

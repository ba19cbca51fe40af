"""The Dockerfile names what is there: copied paths, extras, the program; where docker runs, it is built by hand."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_what_is_copied_is_there_and_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [word for line in re.findall(r"^COPY (.+)$", TEXT, re.MULTILINE) for word in line.split()[:-1]]
    assert copied
    for name in copied:
        assert (ROOT / name).exists() and name in let_in, name
    for name in (PROJECT["readme"], *PROJECT["license-files"], "pyproject.toml", "src", "constraints.txt"):
        assert name in copied, f"the installation reads {name}"


def test_extras_python_and_program_are_those_of_the_project() -> None:
    (extras,) = re.findall(r"^ARG EXTRAS=(.+)$", TEXT, re.MULTILINE)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    (python,) = re.findall(r"^FROM python:(\d+\.\d+)-slim$", TEXT, re.MULTILINE)
    least = PROJECT["requires-python"].removeprefix(">=")
    assert tuple(map(int, python.split("."))) >= tuple(map(int, least.split(".")))
    (program,) = re.findall(r'^ENTRYPOINT \["(.+)"\]$', TEXT, re.MULTILINE)
    assert program in PROJECT["scripts"]
    assert TEXT.index("USER ") < TEXT.index("ENTRYPOINT"), "it does not run as root"


def test_every_instruction_is_one() -> None:
    joined = re.sub(r"\\\n", " ", TEXT)
    known = {"FROM", "ARG", "RUN", "WORKDIR", "COPY", "USER", "ENV", "ENTRYPOINT", "CMD"}
    words = [line.split()[0] for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    assert set(words) <= known and words[0] == "FROM"

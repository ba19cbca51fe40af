"""Commands that would work, in which one option has an odd value, or is one that the command does not have."""

from __future__ import annotations

import contextlib
import io
import random
import re
import shutil
from pathlib import Path

from physrep.cli.main import main
from tests.robustness.odd_runs import world
from tests.robustness.odd_yaml import ENCODER
from tests.robustness.tries import call, working_in

# fmt: off
VALUES = [
    str(2**70), "-1", "0", "1000000000", "nan", "inf", "1e999", "[1", "{", "", "ü", "\x1b[0m", "../..", "=", "banana",
    "cuda:99", "null", "[]", "~", "%s", "{0}", "x" * 300, "1e3", "nowhere", "0.5", "a\nb", "jepa", "/", "\x00", "-inf",
]
NONSENSE = [
    "--nonsense", "--training.nonsense", "--options.nonsense", "--data.nonsense", "--encoder_options.nonsense",
    "--cluster.nonsense", "--search.nonsense", "--runs.0.nonsense", "--a.b.c", "--..", "--.", "-x", "--seed.x",
]
# fmt: on
_OPTIONS: dict[str, list[str]] = {}
"""Of every command, as its help names them."""


def _complete(command: str, folder: Path) -> list[str]:
    """Words of a call that works."""
    whole, data, out = folder / "whole", str(folder / "waves"), str(folder / "options")
    run, cpu = str(whole / "run"), ["--device", "cpu"]
    bench = [str(whole / "bench.yaml"), "--out", out]
    return {
        "simulate": ["heat", "--out", out, "--plan", *cpu],
        "convert": [data, out],
        "check": [data],
        "pretrain": ["jepa", "--data", data, "--out", out, "--plan", *ENCODER],
        "import-checkpoint": [str(whole / "published.safetensors"), "--as", "jepa", "--channels", "a", "b", "c",
                              "--out", out],
        "embed": [run, "--out", out, "--stride", "8", *cpu],
        "probe": [run, "--out", out, "--stride", "8", *cpu],
        "predict": [run, data, *cpu],
        "push": [run, out],
        "pull": [str(whole / "shared"), out],
        "bench": [*bench, "--plan", *cpu],
        "status": [str(whole / "bench")],
        "report": [str(whole / "bench")],
        "leaderboard": [str(whole / "bench")],
        "compare": [str(whole / "bench"), "--out", out],
        "equation": [run],
        "list": ["systems"],
        "score": [run, "--data", data, "--out", out, "--jobs", "1", *cpu],
        "fit": [data, "--out", out, "--budget", "2s", "--learners", "--floors", "statistics", "--num-frames", "4",
                *cpu],
    }[command]  # fmt: skip


COMMANDS = (
    "simulate",
    "convert",
    "check",
    "pretrain",
    "import-checkpoint",
    "embed",
    "probe",
    "predict",
    "push",
    "pull",
)
COMMANDS = (*COMMANDS, "bench", "status", "report", "leaderboard", "compare", "equation", "list", "score", "fit")
SLOW = ("score", "fit", "report", "compare")
"""Called with nonsense mostly: if all is in order they compute for seconds."""


def options(folder: Path, number: int) -> str | None:
    """The odd option is used, or refused in one sentence; one that there is not is always refused."""
    generator = random.Random(number)
    world(folder)
    shutil.rmtree(folder / "options", ignore_errors=True)
    command = COMMANDS[number % len(COMMANDS)]
    words = [command, *_complete(command, folder)]
    with working_in(folder):
        if generator.random() < (0.9 if command in SLOW else 0.3):
            spelled = generator.choice(NONSENSE)
            fault = call([*words, spelled, generator.choice(["1", "x", ""])], {2})
            return fault or (f"{command} {spelled}: has written" if (folder / "options").exists() else None)
        name = generator.choice(_options(command))
        return call([*words, name, *generator.choices(VALUES, k=generator.choice([1, 1, 1, 0, 2]))])


def _options(command: str) -> list[str]:
    if command not in _OPTIONS:
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
            main([command, "--help"])
        found = set(re.findall(r"--[a-z][a-z_.-]*", out.getvalue())) - {"--executor", "--private", "--devices"}
        _OPTIONS[command] = sorted(found) or ["--help"]
    return _OPTIONS[command]

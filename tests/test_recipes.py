"""Every recipe of CONTRIBUTING.md, as written and at the places that it names, in a copy of the package."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Parts in a package of your own")[0]
BLOCK = re.compile(r"^`([\w./]+)`[^\n]*:\n\n```(\w+)\n(.*?)```", re.DOTALL | re.MULTILINE)
CONTRACTS = {
    "tests/contracts/test_systems.py": "diffusion",
    "tests/learners/test_learner_contract.py": "next_spread",
    "tests/probes/test_fit.py": "contract_of_every_probe and pls",
    "tests/metrics": "rmse",
    "tests/analyses/test_between.py": "",
    "tests/cli/test_main.py": "help and count",
}


def changed(text: str, change: str) -> str:
    """A file with the lines ``+`` of a recipe after the line that stands before them there."""
    lines, after = text.splitlines(), -1
    for line in change.splitlines():
        if line.startswith("+"):
            after += 1
            lines.insert(after, line[1:])
        else:
            assert lines.count(line[1:]) == 1, f"{line[1:]!r} stands {lines.count(line[1:])} times in the file"
            after = lines.index(line[1:])
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package and its tests with everything that the recipes add."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, kind, block in BLOCK.findall(PAGE):
        path = folder / name
        if kind == "diff":
            path.write_text(changed(path.read_text(encoding="utf-8"), block), encoding="utf-8")
        else:
            assert not path.exists(), f"{name} exists: the recipe would replace it"
            path.write_text(block, encoding="utf-8")
    return folder


def run(copy: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    return done.stdout


def test_no_block_stands_outside_of_a_named_file() -> None:
    assert PAGE.count("```") == 2 * len(BLOCK.findall(PAGE))
    kinds = [kind for _, kind, _ in BLOCK.findall(PAGE)]
    assert kinds.count("python") >= 10 and kinds.count("diff") >= 10


def test_what_the_recipes_add_passes_its_contract_tests(copy: Path) -> None:
    chosen = " or ".join(f"({word})" for word in CONTRACTS.values() if word) + " or between"
    out = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--color=no", "-k", chosen, *CONTRACTS)
    assert re.search(r"^[.s]{30,}", out, re.MULTILINE), out


@pytest.mark.slow
def test_commands_of_the_recipes(copy: Path) -> None:
    commands = [shlex.split(line) for line in re.findall(r"^    physrep (.*)$", PAGE, re.MULTILINE)]
    assert [words[0] for words in commands] == ["simulate", "pretrain", "probe", "bench", "count"]
    # One process: the import of torch takes most of the time of five.
    code = f"from physrep.cli.main import main; print([main(words) for words in {commands}])"
    shown = run(copy, "-c", code)
    assert shown.endswith("train  19\nvalid  3\ntest   2\n[0, 0, 0, 0, 0]\n") and "pls" in shown
    page = (copy / "runs/between/report.html").read_text(encoding="utf-8")
    assert 'id="between"' in page and "lies between trajectories at most" in page and ">RMSE<" in page

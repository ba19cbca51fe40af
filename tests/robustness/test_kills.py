"""A few kills, signals and full disks; `python tests/robustness/kills.py 200` makes many."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("count", [4, pytest.param(200, marks=pytest.mark.slow)])
def test_disturbed_commands_end_in_the_same_files(count: int) -> None:
    # A program of its own: it forks, which a process with pytest's threads should not.
    only = [] if count > 4 else ["--only", "pretrain", "convert", "embed"]
    command = [sys.executable, str(Path(__file__).parent / "kills.py"), str(count), *only]
    root = Path(__file__).parents[2]
    paths = [root / "src", root]
    places = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=places, capture_output=True, text=True, timeout=3600, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]

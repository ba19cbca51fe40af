"""A reader that has gone, or a full disk under messages, ends no work and changes no exit code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from physrep.cli import main as program
def run(arguments=None):
    from physrep.cli.barrier import guarded
    def work():
        assert not sys.stderr.isatty() and not sys.stdout.isatty()
        for number in range(2000):
            print("a line of output", number, flush=True)
            print("what is told", number, file=sys.stderr)
        open(sys.argv[1], "w").write("done")
        return 3
    return guarded("work", work)
program.main = run
program.entry()
"""


@pytest.mark.parametrize(
    ("start", "code"),
    [
        ('"$@" | head -n 1', 3),
        ('"$@" 2>&1 | true', 3),
        ('"$@" >/dev/null 2>/dev/full', 3),
        ('"$@" >&- 2>&-', 3),
        ('"$@" 2>/dev/null >/dev/full', 2),
    ],
)
def test_work_is_done_to_its_end(start: str, code: int, tmp_path: Path) -> None:
    command = ["bash", "-c", f"{start}; exit ${{PIPESTATUS[0]}}", "bash", sys.executable, "-c", PROGRAM]
    done = subprocess.run([*command, str(tmp_path / "file")], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert (tmp_path / "file").exists() == (code == 3)
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr

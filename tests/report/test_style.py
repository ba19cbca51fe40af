"""Figures do not depend on the settings that matplotlib finds."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib

from physrep.report.style import paper

PROGRAM = """
import sys
from physrep.cli import main as program
def run(arguments=None):
    from physrep.report.style import paper
    with paper():
        import matplotlib
        print(matplotlib.rcParams["savefig.dpi"], matplotlib.rcParams["axes.facecolor"])
    return 0
program.main = run
program.entry()
"""


def test_a_matplotlibrc_changes_no_figure_and_is_back_afterwards() -> None:
    with matplotlib.rc_context({"axes.facecolor": "red", "savefig.dpi": 7}):
        with paper():
            assert matplotlib.rcParams["axes.facecolor"] == "white" and matplotlib.rcParams["savefig.dpi"] == "figure"
            assert matplotlib.rcParams["font.size"] == 9
        assert matplotlib.rcParams["axes.facecolor"] == "red"


def test_the_program_draws_whatever_backend_and_settings_it_is_started_with(tmp_path: Path) -> None:
    (tmp_path / "matplotlibrc").write_text("savefig.dpi: 7\naxes.facecolor: red\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=tmp_path, env={**os.environ, "MPLBACKEND": "banana"}, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout.split() == ["figure", "white"], done.stderr

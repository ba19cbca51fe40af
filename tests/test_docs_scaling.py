"""docs/scaling.md: every command runs as written, and every way ends in the same bytes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[1] / "docs/scaling.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    (\S.*)$", PAGE, re.MULTILINE)


def test_the_page_shows_every_executor() -> None:
    text = "\n".join(COMMANDS)
    assert all(word in text for word in ("--executor slurm ", "--executor slurm:local", "--executor dask:", "torchrun"))
    assert sum(command.endswith("# (SLURM)") for command in COMMANDS) == 1


@pytest.mark.slow
def test_commands_run_as_written(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "small.yaml").write_text(block)
    tools = tmp_path / "bin"
    tools.mkdir()
    # The programs of the environment that runs the tests, whatever is installed elsewhere.
    for name, module in (("physrep", "physrep"), ("torchrun", "torch.distributed.run"), ("dask", "dask")):
        (tools / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        (tools / name).chmod(0o755)
    own = [c for c in COMMANDS if not c.startswith("pip ") and not c.endswith("# (SLURM)")]
    script = "set -ex\n" + "\n".join(own) + "\n"
    environment = {**os.environ, "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]), "OMP_NUM_THREADS": "1"}
    with open(tmp_path / "output.txt", "w") as output:
        process = subprocess.Popen(
            ["bash", "-c", script], cwd=tmp_path, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        code = process.wait(timeout=600)
    finally:
        # The scheduler and the worker of dask are still there, in the background.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
    assert code == 0, (tmp_path / "output.txt").read_text()[-3000:]
    tables = {
        name: (tmp_path / "runs" / name / "results.csv").read_bytes() for name in ("small", "two", "trial", "dask")
    }
    assert len(set(tables.values())) == 1
    assert (tmp_path / "runs/devices/results.csv").read_bytes() != tables["small"]
    for name in ("jepa", "jepa2"):
        assert (tmp_path / "runs" / name / "weights.safetensors").is_file()

"""A benchmark on a real SLURM of one node: a job killed, another warned and requeued, the same bytes as a local run.

Run by `make test-cluster`, as root; not part of the other suites, as it installs and starts SLURM.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.small_data import TINY_ENCODER, write_waves

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.environ.get("PHYSREP_TEST_CLUSTER") != "1", reason="make test-cluster"),
]
SCRIPT = str(Path(__file__).with_name("slurm.sh"))


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment in which sbatch finds the cluster."""
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run(["bash", SCRIPT, "start", str(folder)], check=True)
    try:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        yield {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "OMP_NUM_THREADS": "1", "PATH": path}
    finally:
        subprocess.run(["bash", SCRIPT, "stop", str(folder)], check=False)


def settings(data: Path) -> dict[str, Any]:
    return {
        "system": "waves",
        "data": {"path": str(data)},
        "num_frames": 4,
        "eval_stride": 4,
        **TINY_ENCODER,
        "training": {"steps": 1000, "batch_size": 8, "checkpoint_every": 20, "log_every": 20, "probe_every": 0},
        "runs": [{"learner": name} for name in ("constant", "statistics", "random", "jepa", "supervised")],
        "n_resamples": 100,
        "jobs": 1,
        "cluster": {"time": 10, "heartbeat": 1, "expiry": 10, "partition": "main"},
    }


def until(done: Callable[[], Any], seconds: float = 240) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := done():
            return found
        time.sleep(0.02)
    raise AssertionError("it took too long")


def job_of(run: Path) -> str:
    """Number of the SLURM job that a run is in, from its log."""
    return re.findall(r"attempt \d+, output in .*/(\d+(?:_\d+)?)_0_log\.err", (run / "log.txt").read_text())[-1]


def test_killed_and_requeued_it_ends_in_the_same_bytes(
    slurm: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    config = tmp_path / "bench.yaml"
    config.write_text(yaml.safe_dump(settings(write_waves(tmp_path)), sort_keys=False))
    bench = [sys.executable, "-m", "physrep", "bench", str(config), "--out"]
    subprocess.run([*bench, str(tmp_path / "local")], env=slurm, check=True, capture_output=True)

    out = tmp_path / "cluster"
    with open(tmp_path / "head.log", "w") as log:
        head = subprocess.Popen([*bench, str(out), "--executor", "slurm"], env=slurm, stdout=log, stderr=log)
    request.addfinalizer(head.kill)
    runs = out / "runs"
    signals = {"jepa-s0": signal.SIGKILL, "supervised-s0": signal.SIGUSR2}
    for name, number in signals.items():
        until(lambda name=name: (runs / name / "state.pt").exists())
        if number == signal.SIGKILL:
            os.kill(int(re.findall(r"process (\d+)", (runs / name / "log.txt").read_text())[-1]), number)
        else:
            # While the job requeues itself the controller may answer "try again later"; the signal has arrived.
            subprocess.run(["scancel", "--signal=USR2", job_of(runs / name)], env=slurm, check=False)
            until(lambda name=name: " stopped after " in (runs / name / "log.txt").read_text(), 60)
        assert not (runs / name / "scores.json").exists(), "too late to test anything"
    status = [sys.executable, "-m", "physrep", "status", str(out)]
    shown = subprocess.run(status, env=slurm, capture_output=True, text=True, check=True).stdout
    assert re.search(r"supervised-s0 +(stopped|running)", shown), shown
    code = head.wait(timeout=400)
    text = (tmp_path / "head.log").read_text()
    assert code == 0, text
    assert "jepa-s0: its process has vanished" in text
    assert "supervised-s0: its process has vanished" not in text  # it was requeued by itself
    logs = {name: (runs / name / "log.txt").read_text() for name in signals}
    assert all(text.count(" started on ") == 2 and text.count(" finished after ") == 1 for text in logs.values()), logs
    assert logs["supervised-s0"].count(" stopped after ") == 1
    assert (out / "results.csv").read_bytes() == (tmp_path / "local" / "results.csv").read_bytes()
    shown = subprocess.run(status, env=slurm, capture_output=True, text=True, check=True).stdout
    assert "5 done, 0 running, 0 queued" in shown

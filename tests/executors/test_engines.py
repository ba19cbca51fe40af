"""The same jobs on every executor: done once, by several heads together too, and again where a process was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from physrep.errors import PhysrepError
from physrep.executors import ClusterConfig, Job, open_engine, run_jobs
from tests.helpers.jobs_to_count import fail, jobs, never, starts

ROOT = str(Path(__file__).parents[2])
PATIENT = ClusterConfig(heartbeat=0.2, expiry=240)
QUICK = ClusterConfig(heartbeat=0.1, expiry=2)
"""Of tests in which an owner has to expire; on a busy machine a beat may be late by a second."""

HEAD = """
import sys
from pathlib import Path
from tests.helpers.jobs_to_count import jobs
from physrep.executors import ClusterConfig, open_engine, run_jobs

if __name__ == "__main__":
    folder, together = Path(sys.argv[1]), int(sys.argv[2])
    cluster = ClusterConfig(heartbeat=0.2, expiry=240)
    with open_engine("process", workers=1, jobs=12, folder=folder, cluster=cluster) as engine:
        names = [job.name for job, _ in run_jobs(jobs(folder, 12, together), engine, poll=0.05)]
    assert sorted(names) == sorted(f"j{i}" for i in range(12)), names
"""


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([ROOT, *filter(None, [os.environ.get("PYTHONPATH")])]))


def do(
    folder: Path, executor: str, n: int = 3, killed: tuple[int, ...] = (), cluster: ClusterConfig = PATIENT
) -> dict[str, object]:
    with open_engine(executor, jobs=n, folder=folder, cluster=cluster, workers=1) as engine:
        return {job.name: value for job, value in run_jobs(jobs(folder, n, killed=killed), engine, poll=0.05)}


@pytest.mark.parametrize("executor", ["process", "slurm:local", "concurrent.futures:ThreadPoolExecutor"])
def test_every_job_is_done_once_and_then_found(executor: str, tmp_path: Path) -> None:
    assert do(tmp_path, executor) == {f"j{i}": f"j{i}" for i in range(3)}
    assert do(tmp_path, executor) == {f"j{i}": None for i in range(3)}
    assert starts(tmp_path) == {f"j{i}": 1 for i in range(3)}
    assert not list(tmp_path.glob("*.lease*"))


def test_dask(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        name = f"dask:{cluster.scheduler_address}"
        # An answer that went down with its worker is asked for again, and then the result is found.
        assert set(do(tmp_path, name, killed=(1,))) == {"j0", "j1", "j2"}
    assert starts(tmp_path) == {"j0": 1, "j1": 2, "j2": 1}


def test_a_killed_job_of_submitit_is_submitted_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do(tmp_path, "slurm:local", n=2, killed=(0,)) == {"j0": "j0", "j1": "j1"}
    assert starts(tmp_path) == {"j0": 2, "j1": 1}
    assert "j0: its process has vanished" in capsys.readouterr().err


def head(folder: Path, together: int) -> subprocess.Popen[bytes]:
    script = folder.parent / "head.py"
    script.write_text(HEAD)
    return subprocess.Popen([sys.executable, str(script), str(folder), str(together)])


def test_two_heads_share_the_work_and_repeat_none(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    heads = [head(folder, 2), head(folder, 2)]  # the first job of each ends when the other has begun one
    assert [process.wait(timeout=300) for process in heads] == [0, 0]
    assert starts(folder) == {f"j{i}": 1 for i in range(12)}


def test_what_a_killed_head_held_is_done_by_another(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    first = head(folder, 2)  # its first job waits for another process
    while not list(folder.glob("*.starts")):
        assert first.poll() is None
        time.sleep(0.01)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert head(folder, 1).wait(timeout=300) == 0
    counts = starts(folder)
    assert sorted(counts) == sorted(f"j{i}" for i in range(12))
    assert sum(counts.values()) == 13


DEAD = {"owner": "x", "count": 7, "process": 1, "machine": "another", "host": "far"}


@pytest.mark.parametrize("executor", ["process", "slurm:local", "concurrent.futures:ThreadPoolExecutor"])
@pytest.mark.parametrize("text", [json.dumps(DEAD), ""])
def test_what_a_dead_owner_of_another_machine_held_is_done_once_it_has_expired(
    executor: str, text: str, tmp_path: Path
) -> None:
    """A worker sees the lease for the first time; that it has expired it knows from its head."""
    (tmp_path / "j1.lease.4").write_text(text)
    assert set(do(tmp_path, executor, cluster=QUICK)) == {"j0", "j1", "j2"}
    assert starts(tmp_path) == {f"j{i}": 1 for i in range(3)}


def test_the_others_go_on_when_one_fails(tmp_path: Path) -> None:
    bad = Job("bad", fail, (tmp_path, "bad"), tmp_path / "bad.lease", never, tmp_path / "log.txt")
    with (
        open_engine("concurrent.futures:ThreadPoolExecutor", folder=tmp_path, cluster=PATIENT) as engine,
        pytest.raises(PhysrepError, match=r"1 jobs have failed \(bad: bad: has a planted fault"),
    ):
        list(run_jobs([bad, *jobs(tmp_path, 2)], engine, poll=0.05))
    assert starts(tmp_path) == {"j0": 1, "j1": 1}
    assert "failed after" in (tmp_path / "log.txt").read_text()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("slrm", "did you mean 'slurm'"),
        ("builtins:list", "gives a list"),
        ("dask:tcp://127.0.0.1:1", "does not answer"),
    ],
)
def test_bad_names_are_one_sentence(name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name.startswith("dask"):
        from physrep.executors import dask

        monkeypatch.setattr(dask.dask_executor.__wrapped__, "__defaults__", (0.5,))
    with pytest.raises(PhysrepError, match=sentence), open_engine(name, folder=tmp_path):
        pass

"""`physrep status` tells done, running, queued, stopped and failed apart, and shows why a run has failed."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml

from physrep.benchmark.finished import record_finished
from physrep.cli.main import main
from physrep.executors import JobLog, Terms, claim
from physrep.files import write_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    runs = [{"learner": "constant", "name": name} for name in ("one", "two", "three", "four", "five")]
    (tmp_path / "config.yaml").write_text(yaml.safe_dump({"system": "waves", "runs": runs}))
    for name in ("one", "two", "three", "four"):
        (tmp_path / "runs" / f"{name}-s0").mkdir(parents=True)
    return tmp_path


def test_states(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = folder / "runs"
    with JobLog(runs / "one-s0/log.txt", 0):
        pass
    record_finished(runs / "one-s0", "key")
    with pytest.raises(ValueError), JobLog(runs / "three-s0/log.txt", 0):
        raise ValueError("a planted fault")
    with pytest.raises(KeyboardInterrupt), JobLog(runs / "four-s0/log.txt", 0):
        raise KeyboardInterrupt
    with claim(runs / "two-s0/lease", Terms()):
        code = main(["status", str(folder), "--lines", "2"])
    out = capsys.readouterr().out
    assert code == 1
    states = {line.split()[0]: line.split()[1] for line in out.splitlines() if "-s0 " in line}
    assert states == {
        "one-s0": "done", "two-s0": "running", "three-s0": "failed", "four-s0": "stopped", "five-s0": "queued",
    }  # fmt: skip
    assert "ValueError: a planted fault" in out
    assert out.splitlines()[-1] == "1 done, 1 running, 1 queued, 1 stopped, 1 failed"


def test_an_owner_that_is_gone_runs_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from physrep.leftovers import this_process

    write_json(folder / "runs/two-s0/lease.0", {**this_process(), "process": 2**22 + 5, "owner": "x", "count": 3})
    assert main(["status", str(folder)]) == 0
    assert "two-s0    stopped" in capsys.readouterr().out


@pytest.mark.parametrize(("age", "state"), [(30, "running"), (3600, "stopped"), (-3600, "stopped")])
def test_a_lease_is_as_old_as_the_clock_of_its_folder_says(
    age: float, state: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "runs/two-s0/lease.0"
    write_json(path, {"machine": "another", "process": 1, "host": "far", "owner": "x", "count": 3})
    written = path.stat().st_mtime - age
    os.utime(path, (written, written))
    monkeypatch.setattr(time, "time", lambda: 0.0)
    main(["status", str(folder)])
    assert f"two-s0    {state}" in capsys.readouterr().out


def test_a_folder_without_a_benchmark(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(tmp_path)]) == 2
    assert "holds no benchmark" in capsys.readouterr().err

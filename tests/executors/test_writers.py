"""Two commands that write one folder at once do not mix their results: the later one is told in one sentence."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from physrep.errors import PhysrepError
from physrep.executors import Terms, writing
from physrep.leftovers import this_process
from tests.helpers.small_data import write_waves


def test_other_settings_are_refused_and_equal_ones_share(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with writing(out, "physrep bench", "a"):
        with writing(out, "physrep bench", "a"):
            pass
        for settings, words in (("b", "writes there now with other settings"), (None, "writes there now")):
            with (
                pytest.raises(PhysrepError, match=rf"out: physrep bench {words} \(process {os.getpid()} on"),
                writing(out, "physrep bench", settings),
            ):
                raise AssertionError("entered")
        (out / "result").write_text("x")
    assert [path.name for path in out.iterdir()] == ["result"]
    with writing(out, "physrep bench", "b"), pytest.raises(PhysrepError), writing(out, "physrep fit"):
        pass


def test_a_folder_into_which_nothing_was_written_goes(tmp_path: Path) -> None:
    with pytest.raises(ValueError), writing(tmp_path / "out", "physrep fit"):
        raise ValueError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "age", "refused"),
    [({"process": 2**22 + 5}, 0, False), ({}, 0, True), ({"machine": "another"}, 30, True),
     ({"machine": "another"}, 300, False), ({"machine": "another"}, -300, False), (None, 0, True), (None, 300, False)],
)  # fmt: skip
def test_whom_a_file_speaks_of_is_dead_or_alive(
    said: dict[str, Any] | None, age: float, refused: bool, tmp_path: Path
) -> None:
    path = tmp_path / ".writer-01234567.0"
    path.write_text("" if said is None else json.dumps({**this_process(), "command": "physrep fit", **said}))
    written = time.time() - age
    os.utime(path, (written, written))
    if refused:
        with pytest.raises(PhysrepError, match="writes there now"), writing(tmp_path, "physrep fit"):
            pass
    else:
        with writing(tmp_path, "physrep fit"):
            assert not path.exists()
    assert path.exists() == refused


def _enter(folder: Path, name: str, start: Any) -> None:
    start.wait(60)
    try:
        with writing(folder, name, name, Terms(0.2, 5.0)):
            with open(folder / "order", "a") as file:
                file.write(f"{name} in\n")
            time.sleep(0.3)
            with open(folder / "order", "a") as file:
                file.write(f"{name} out\n")
    except PhysrepError:
        pass


def test_of_many_that_begin_at_once_none_writes_beside_another(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Event()
    several = [context.Process(target=_enter, args=(tmp_path, f"n{k}", start)) for k in range(4)]
    for one in several:
        one.start()
    start.set()
    for one in several:
        one.join(120)
    rows = [line.split() for line in (tmp_path / "order").read_text().splitlines()]
    assert rows and [row[1] for row in rows] == ["in", "out"] * (len(rows) // 2)
    assert all(a[0] == b[0] for a, b in zip(rows[::2], rows[1::2], strict=True))


BENCH = "{system: waves, data: {path: waves}, num_frames: 4, probes: {ridge: {}}, runs: [{learner: statistics}]}"


def test_a_second_bench_or_pretraining_of_other_settings_is_told_while_the_first_one_runs(tmp_path: Path) -> None:
    write_waves(tmp_path)
    (tmp_path / "a.yaml").write_text(BENCH)
    with writing(tmp_path / "out", "physrep bench", "another"):
        for words in (["bench", "a.yaml"], ["pretrain", "jepa", "--data", "waves", "--num_frames", "4"]):
            done = subprocess.run(
                [sys.executable, "-m", "physrep", *words, "--out", "out", "--device", "cpu"],
                cwd=tmp_path, capture_output=True, text=True, check=False, timeout=240,
            )  # fmt: skip
            assert done.returncode == 2 and "out: physrep bench writes there now" in done.stderr, done.stderr[-600:]
            assert not (tmp_path / "out/config.yaml").exists()

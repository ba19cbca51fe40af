"""Workers end with their parent and leave no half-written file behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from physrep.errors import PhysrepError
from physrep.executors import process, process_pool

PARENT = """
import sys, time
from pathlib import Path
from physrep.files import atomic_path
from physrep.executors import process_pool

def write_slowly(folder):
    with atomic_path(Path(folder) / "result.bin") as temporary:
        temporary.write_bytes(b"half")
        time.sleep(600)

if __name__ == "__main__":
    with process_pool(1) as pool:
        pool.submit(write_slowly, sys.argv[1]).result()
"""


def wait_until(done, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():
            return True
        time.sleep(0.05)
    return False


def test_a_worker_without_parent_deletes_what_it_was_writing(tmp_path: Path) -> None:
    script, folder = tmp_path / "parent.py", tmp_path / "out"
    script.write_text(PARENT)
    folder.mkdir()
    parent = subprocess.Popen([sys.executable, str(script), str(folder)], stderr=subprocess.DEVNULL)
    try:
        # The file is there, half written.
        assert wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()), 240)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    assert wait_until(lambda: not list(folder.iterdir()), 240), list(folder.iterdir())


CALLER = """
import os, sys
if __name__ == "__main__":
    from physrep.executors import process_pool
    with process_pool(1) as pool:
        print(pool.submit(abs, -3).result(), os.environ.get("PYTHONSAFEPATH"))
"""


def test_a_worker_runs_no_module_of_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "program").mkdir()
    script, folder = tmp_path / "program" / "caller.py", tmp_path / "work"
    script.write_text(CALLER)
    folder.mkdir()
    for name in ("signal", "pickle", "threading", "socket", "random", "torch", "numpy", "yaml"):
        (folder / f"{name}.py").write_text(f"open({str(tmp_path / 'touched')!r}, 'a').write({name!r})")
    done = subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["3", "None"], done.stderr
    assert not (tmp_path / "touched").exists(), (tmp_path / "touched").read_text()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EROFS, "mount /dev/shm"),
        (errno.ENOSPC, "with space"),
        (errno.EMFILE, "ulimit -n"),
        (errno.EAGAIN, "1 job"),
    ],
)
def test_a_machine_that_gives_no_semaphores_is_one_sentence(
    number: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(process, "_Pool", refused)
    with pytest.raises(PhysrepError, match=remedy), process_pool(1):
        pass
    assert "PYTHONSAFEPATH" not in os.environ


SHARED = """
import os, sys, time
from physrep.executors import process_pool

def work(folder):
    open(os.path.join(folder, str(os.getpid())), "w").close()
    while len(os.listdir(folder)) < 4:  # each process gets one
        time.sleep(0.02)
    return os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"]

if __name__ == "__main__":
    with process_pool(4, gpus=["2", "GPU-5f"]) as pool:
        seen = dict(pool.map(work, [sys.argv[1]] * 4))
    print(len(seen), sorted(seen.values()))
"""


def test_processes_take_the_gpus_in_turn_and_each_sees_one(tmp_path: Path) -> None:
    script = tmp_path / "shared.py"
    script.write_text(SHARED)
    (tmp_path / "here").mkdir()
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path / "here")], capture_output=True, text=True, check=False
    )
    assert done.stdout.split("\n")[0] == "4 ['2', '2', 'GPU-5f', 'GPU-5f']", done.stdout + done.stderr


def test_runs_on_the_gpus_of_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import contextlib

    from physrep.executors import engine

    pools = []

    @contextlib.contextmanager
    def pool(workers: int, threads: int, gpus: list[str]):
        pools.append((workers, gpus))
        yield None

    monkeypatch.setattr(engine, "process_pool", pool)
    monkeypatch.setattr(engine, "visible_gpus", lambda: ["0", "1", "2"])
    for device, jobs, workers in (("cuda", 9, None), ("cuda", 2, None), ("cuda", 9, 6), ("cuda:1", 9, None)):
        with engine.open_engine(device=device, jobs=jobs, workers=workers):
            pass
    # A GPU that is named is one for all jobs, in this process.
    assert pools == [(3, ["0", "1", "2"]), (2, ["0", "1", "2"]), (6, ["0", "1", "2"])]


def test_visible_gpus_are_those_that_the_caller_left(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from physrep.devices import visible_gpus

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert visible_gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 7")
    assert visible_gpus() == ["3", "7"]

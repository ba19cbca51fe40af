"""Scripts of users: with or without ``if __name__ == "__main__":``, in a file or on standard input."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SIMULATION = """
import physrep
print("RUNS")
physrep.simulate("heat", "data", physrep.SimulationConfig(
    trajectories=4, resolution=[8, 8], frames=8, splits=[0.5, 0.25, 0.25], per_file=1), workers=2)
"""
POOL = """
import physrep
from physrep.executors import process_pool

class Mine(physrep.Probe):
    pass

physrep.PROBES["mine"] = Mine

def known():
    return "mine" in physrep.PROBES

{guard}
    with process_pool(1) as pool:
        print("known", pool.submit(known).result())
"""


def run(folder: Path, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words], cwd=folder, input=text, capture_output=True, text=True, check=False, timeout=300
    )


def test_a_script_without_guard_is_run_once(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SIMULATION, encoding="utf-8")
    done = run(tmp_path, "script.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("RUNS") == 1 and len(list((tmp_path / "data" / "heat").glob("data/*/*.hdf5"))) == 4


def test_a_program_on_standard_input_has_workers(tmp_path: Path) -> None:
    done = run(tmp_path, "-", text=SIMULATION)
    assert done.returncode == 0, done.stderr


def test_workers_know_what_a_guarded_script_registers(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(POOL.format(guard='if __name__ == "__main__":'), encoding="utf-8")
    done = run(tmp_path, "script.py")
    assert done.returncode == 0 and "known True" in done.stdout, done.stderr


def test_parts_of_a_script_without_guard_are_refused(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(POOL.format(guard="if True:"), encoding="utf-8")
    done = run(tmp_path, "script.py")
    assert done.returncode == 1 and "known" not in done.stdout
    last = done.stderr.strip().splitlines()[-1]
    assert "script.py: worker processes need mine of this script" in last and '`if __name__ == "__main__":`' in last

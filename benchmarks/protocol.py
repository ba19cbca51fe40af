"""Results of the three quick studies by the protocol: three seeds, an equal search, a fresh test.

    python benchmarks/protocol.py --out runs/protocol                       # all cores, no limit
    python benchmarks/protocol.py --out /tmp/p --save $OUT --seconds 540    # small files are saved on the way

The three studies run side by side. Every 30 seconds what is finished is copied to ``--save`` without data, weights and
tokens: scores, predictions, summaries and trials of each run, then tables and pages. Called again, it goes on.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

STUDIES = ("quick", "quick_active_matter", "quick_rayleigh_benard")
SMALL = ("scores.json", "summary.json", "predictions_*.npz", "probe_*.json", "metrics.csv", "equation.json")
TABLES = ("*.csv", "*.json", "*.yaml", "report.html", "search/*.json")
TOY = [
    "--simulation.trajectories", "48", "--training.steps", "4", "--training.batch_size", "8", "--search.trials", "2",
    "--search.budget", "1e8", "--operations", "1e9", "--seeds", "[0, 1]", "--n_resamples", "50",
]  # fmt: skip
FULL = {
    # Operations of one trial, and of a training in the track matched in operations, per system.
    "quick": ("2e12", "6e12"),
    "quick_active_matter": ("2e12", "6e12"),
    "quick_rayleigh_benard": ("2e12", "6e12"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--save", type=Path, default=None, help="folder for what is small")
    parser.add_argument("--seconds", type=float, default=1e9, help="stop then")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=None, help="processes per study")
    parser.add_argument("--trials", type=int, default=4)
    parser.add_argument("--operations", action="store_true", help="the second track as well")
    parser.add_argument("--toy", action="store_true", help="everything tiny: does the program run?")
    parser.add_argument("--studies", nargs="+", default=list(STUDIES))
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    jobs = options.jobs or max(1, (os.cpu_count() or 3) // 3)
    running = {name: start(name, options, jobs) for name in options.studies}
    while any(process.poll() is None for process in running.values()) and time.monotonic() < end:
        time.sleep(2 if options.toy else 10)
        save(options)
    for process in running.values():
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    save(options)
    for name, process in running.items():
        done = len(list(options.out.glob(f"{name}/runs/*/scores.json")))
        print(f"{name}: exit status {process.wait()}, {done} runs done")


def start(name: str, options: argparse.Namespace, jobs: int) -> subprocess.Popen[bytes]:
    """One study as a process group of its own."""
    budget, operations = FULL[name]
    own = ["--seeds", "[0, 1, 2]", "--search.trials", str(options.trials), "--search.budget", budget]
    if options.operations:
        own += ["--operations", operations]
    bench = [sys.executable, "-m", "physrep", "bench", f"configs/{name}.yaml", "--out", str(options.out / name)]
    settings = TOY if options.toy else own
    # The data and their caches are made on the CPU's cores, which is faster than small batches on a GPU.
    first = [*bench, *settings, "--runs", "[{learner: constant}]", "--search.trials", "0"]
    whole = [*bench, "--jobs", str(jobs), "--device", options.device, *settings]
    command = f"{shlex.join(first)} && exec {shlex.join(whole)}"
    options.out.mkdir(parents=True, exist_ok=True)
    with open(options.out / f"{name}.log", "ab") as log:
        return subprocess.Popen(["bash", "-c", command], stdout=log, stderr=log, start_new_session=True)


def save(options: argparse.Namespace) -> None:
    """Copy what is small, new or changed."""
    if options.save is None:
        return
    for name in options.studies:
        root = options.out / name
        patterns = [*TABLES, *(f"runs/*/{pattern}" for pattern in SMALL)]
        for path in [options.out / f"{name}.log", *(path for pattern in patterns for path in root.glob(pattern))]:
            target = options.save / path.relative_to(options.out)
            if path.is_file() and not (target.is_file() and target.stat().st_mtime >= path.stat().st_mtime):
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, target)


if __name__ == "__main__":
    main()

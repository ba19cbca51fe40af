"""Where the time of a finished benchmark went, from what it left behind: training, embedding and probes of every run.

    python benchmarks/where_time_goes.py runs/quick

Nothing is computed again: the seconds of a training and its operations stand in ``summary.json``, the rest follows from
the times at which files were written. Copies of a folder that did not keep them give nonsense. A run has one thread, so
its seconds are processor seconds where it had a core of its own.

The last lines come from the logs of the runs, one for every command that did some: the time from the first start to the
last end, what an even division of the jobs over the workers would have taken, and how long each worker had nothing to
do at the end. Jobs of under a second found their results there and are left out; of several attempts the first counts.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path

GAP = 60.0
"""Seconds without a job between two commands."""


def written(path: Path) -> float:
    """When a file was written, in seconds."""
    return path.stat().st_mtime


def stages(run: Path) -> tuple[dict[str, float], float]:
    """Seconds of each stage of a run, and operations per second of its training in GFLOP/s (0: none was counted)."""
    summary = json.loads((run / "summary.json").read_text())
    trained = float(summary.get("seconds", 0.0))
    found = {"training": trained} if trained else {}
    last = written(run / "weights.safetensors")
    stores = list(run.glob("tokens/*/meta.json"))
    if stores:
        end = max(written(path) for path in stores)
        if end >= last:
            found["embedding"] = end - last
        else:
            print(f"{run.name}: its weights were written after its tokens, so that the time of embedding is not known")
        last = end
    for path in sorted(run.glob("probe_*.json"), key=written):
        found[path.stem.removeprefix("probe_")] = max(0.0, written(path) - last)
        last = max(last, written(path))
    return found, summary.get("flops", 0.0) / trained / 1e9 if trained else 0.0


def jobs(folder: Path) -> list[tuple[datetime, float, str]]:
    """Start, seconds and process of the first attempt of every run that took a second."""
    found = []
    for path in sorted(folder.glob("runs/*/log.txt")):
        lines = re.findall(
            r"^(\S+ \S+) UTC started on \S+, process (\d+).*\n.* finished after ([\d.]+) s", path.read_text(), re.M
        )
        for start, process, seconds in lines:
            if float(seconds) >= 1:
                found.append((datetime.fromisoformat(start), float(seconds), process))
                break
    return sorted(found)


def schedule(folder: Path) -> list[str]:
    """For every group of jobs that followed one another: what its workers were idle for at the end."""
    told, group = [], []
    for job in [*jobs(folder), None]:
        ended = max((start.timestamp() + seconds for start, seconds, _ in group), default=0.0)
        if group and (job is None or job[0].timestamp() > ended + GAP):
            told.append(_one_schedule(group, ended))
            group = []
        group += [job] if job else []
    return told


def _one_schedule(group: list[tuple[datetime, float, str]], ended: float) -> str:
    begun = group[0][0].timestamp()
    last: dict[str, float] = {}
    for start, seconds, process in group:
        last[process] = start.timestamp() + seconds
    evenly = sum(seconds for _, seconds, _ in group) / len(last)
    idle = ", ".join(f"{ended - end:.0f}" for end in last.values())
    return (
        f"from {group[0][0]} UTC: {len(group)} jobs on {len(last)} workers in {ended - begun:.0f} s, evenly divided "
        f"{evenly:.0f}; idle at the end: {idle} s"
    )


def main() -> None:
    """Print a table of all runs, and sums."""
    parser = argparse.ArgumentParser(description="Where the time of a finished benchmark went.")
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    total: Counter[str] = Counter()
    for run in sorted((folder / "runs").iterdir()):
        if (run / "weights.safetensors").is_file():
            found, rate = stages(run)
            total.update(found)
            shown = ", ".join(f"{name} {seconds:.0f}" for name, seconds in found.items())
            print(f"{run.name}: {shown}" + (f"; training at {rate:.0f} GFLOP/s" if rate else ""))
    everything = sum(total.values())
    print(f"all: {everything:.0f} s")
    for name, seconds in total.most_common():
        print(f"  {name}: {seconds:.0f} s, {100 * seconds / everything:.0f} %")
    print("\n".join(schedule(folder)))


if __name__ == "__main__":
    main()

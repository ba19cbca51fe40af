"""Where the time of a finished benchmark went, from what it left behind: training, embedding and probes of every run.

    python benchmarks/where_time_goes.py runs/quick

Nothing is computed again: the seconds of a training and its operations stand in ``summary.json``, the rest follows from
the times at which files were written. Copies of a folder that did not keep them give nonsense. A run has one thread, so
its seconds are processor seconds where it had a core of its own.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path


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


def main() -> None:
    """Print a table of all runs, and sums."""
    parser = argparse.ArgumentParser(description="Where the time of a finished benchmark went.")
    parser.add_argument("folder", type=Path)
    total: Counter[str] = Counter()
    for run in sorted((parser.parse_args().folder / "runs").iterdir()):
        if (run / "weights.safetensors").is_file():
            found, rate = stages(run)
            total.update(found)
            shown = ", ".join(f"{name} {seconds:.0f}" for name, seconds in found.items())
            print(f"{run.name}: {shown}" + (f"; training at {rate:.0f} GFLOP/s" if rate else ""))
    everything = sum(total.values())
    print(f"all: {everything:.0f} s")
    for name, seconds in total.most_common():
        print(f"  {name}: {seconds:.0f} s, {100 * seconds / everything:.0f} %")


if __name__ == "__main__":
    main()

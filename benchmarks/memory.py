"""Peak memory of a command and all its processes: proportional set size (PSS), which counts shared pages once.

    python benchmarks/memory.py -- physrep bench configs/quick.yaml --out runs/quick
    python benchmarks/memory.py --limit 4 -- physrep bench configs/quick.yaml --out runs/quick

Prints the peak of all processes together, which of them it was made of, and the peak of the largest one. With a limit
in GB the exit status is 1 if the peak was above it. Sampled four times a second from /proc, so on Linux only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path


def descendants(root: int) -> list[int]:
    """The process and all processes below it."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").iterdir():
        if path.name.isdigit():
            try:
                # The name may hold spaces and brackets: fields are counted from the last one.
                parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            parents.setdefault(parent, []).append(int(path.name))
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += parents.get(found[-1], [])
    return found


def proportional_size(process: int) -> int:
    """PSS in bytes; 0 once the process is gone."""
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    return 0


def measure(command: list[str], interval: float = 0.25) -> tuple[int, list[int], int, int]:
    """Peak of all together, what it was made of, peak of the largest process, and the command's exit status."""
    process = subprocess.Popen(command)
    peak, parts, largest = 0, [0], 0
    while process.poll() is None:
        sizes = sorted((proportional_size(one) for one in descendants(process.pid)), reverse=True)
        if sum(sizes) > peak:
            peak, parts = sum(sizes), sizes
        largest = max(largest, *sizes, 0)
        time.sleep(interval)
    return peak, parts, largest, process.returncode


def main() -> None:
    """Run the command and print its peaks."""
    parser = argparse.ArgumentParser(description="Peak memory (PSS) of a command and all its processes.")
    parser.add_argument("--limit", type=float, default=0.0, help="GB that all processes may use together")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        parser.error("give a command after --")
    begin = time.monotonic()
    peak, parts, largest, status = measure(command)
    shown = " + ".join(f"{size / 1e9:.2f}" for size in parts if size > 5e7)
    print(
        f"peak {peak / 1e9:.2f} GB for all processes ({shown or '0'}), largest process {largest / 1e9:.2f} GB, "
        f"{time.monotonic() - begin:.0f} s, exit status {status}"
    )
    above = bool(arguments.limit) and peak > 1e9 * arguments.limit
    if above:
        print(f"above the limit of {arguments.limit:g} GB")
    sys.exit(status or int(above))


if __name__ == "__main__":
    main()

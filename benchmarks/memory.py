"""Peak memory of a command and all its processes: proportional set size (PSS), which counts shared pages once.

    python benchmarks/memory.py -- physrep bench configs/quick.yaml --out runs/quick
    python benchmarks/memory.py --limit 4 -- physrep bench configs/quick.yaml --out runs/quick

Prints the peak of all processes together, which of them it was made of, how much of it was anonymous (what programs
keep themselves) and how much pages of files (which the system may drop), and the peak of the largest process. With a
limit in GB the exit status is 1 if the peak was above it. ``--log`` writes every sample. Sampled four times a second
from /proc, so on Linux only.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
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


def proportional_size(process: int) -> tuple[int, int]:
    """PSS in bytes: of all pages, and of pages of files; 0 once the process is gone."""
    found = {}
    try:
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]:
            name, value = line.split(":")
            found[name] = 1024 * int(value.split()[0])
    except (OSError, ValueError):
        pass
    return found.get("Pss", 0), found.get("Pss_File", 0)


@dataclass
class Peak:
    """The largest sample of all processes together.

    Attributes:
        total, files: bytes, and those of them that are pages of files.
        parts: bytes per process.
        largest: the largest single process of any sample.
    """

    total: int = 0
    files: int = 0
    parts: tuple[int, ...] = ()
    largest: int = 0


def measure(command: list[str], interval: float = 0.25, log: Path | None = None) -> tuple[Peak, int]:
    """The peak, and the command's exit status.

    Args:
        command: what to run.
        interval: seconds between samples.
        log: a table of all samples: seconds, then total and pages of files in MB per process.
    """
    begin, peak, lines = time.monotonic(), Peak(), []
    process = subprocess.Popen(command)
    while process.poll() is None:
        samples = sorted((proportional_size(one) for one in descendants(process.pid)), reverse=True)
        sizes = [total for total, _ in samples]
        peak.largest = max(peak.largest, *sizes, 0)
        if sum(sizes) > peak.total:
            peak.total, peak.files, peak.parts = sum(sizes), sum(files for _, files in samples), tuple(sizes)
        shown = " ".join(f"{total >> 20}/{files >> 20}" for total, files in samples if total > 5e7)
        lines.append(f"{time.monotonic() - begin:.1f} {sum(sizes) >> 20} {shown}\n")
        time.sleep(interval)
    if log is not None:
        log.write_text("".join(lines))
    return peak, process.returncode


def main() -> None:
    """Run the command and print its peaks."""
    parser = argparse.ArgumentParser(description="Peak memory (PSS) of a command and all its processes.")
    parser.add_argument("--limit", type=float, default=0.0, help="GB that all processes may use together")
    parser.add_argument("--log", type=Path, default=None, help="file for a table of all samples")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        parser.error("give a command after --")
    begin = time.monotonic()
    peak, status = measure(command, log=arguments.log)
    shown = " + ".join(f"{size / 1e9:.2f}" for size in peak.parts if size > 5e7)
    own = (peak.total - peak.files) / 1e9
    print(
        f"peak {peak.total / 1e9:.2f} GB for all processes ({shown or '0'}), {own:.2f} of it anonymous and "
        f"{peak.files / 1e9:.2f} pages of files; largest process {peak.largest / 1e9:.2f} GB, "
        f"{time.monotonic() - begin:.0f} s, exit status {status}"
    )
    above = bool(arguments.limit) and peak.total > 1e9 * arguments.limit
    if above:
        print(f"above the limit of {arguments.limit:g} GB")
    sys.exit(status or int(above))


if __name__ == "__main__":
    main()

"""Everything on one GPU, in minutes: correctness against the CPU, then throughput of every part.

Each section runs in a process of its own with its own time limit, so that a fault or a slow part never stops the rest.
Every result is a row, printed as it comes and kept in ``OUT/rows.jsonl``; at the end all of them are written to
``OUT/results.json`` and ``OUT/results.md``. The limits add up to 8 minutes.

    python benchmarks/gpu.py --out runs/gpu                      # all sections on one GPU
    python benchmarks/gpu.py --out runs/gpu --sections depthwise training
    python benchmarks/gpu.py --out runs/gpu --small              # everything tiny, on the CPU: does the program run?

The golden cases are checked where ``PHYSREP_GOLDEN`` names their folder.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any

SECTIONS = {
    "card": 25,
    "correctness": 100,
    "depthwise": 60,
    "training": 115,
    "solvers": 80,
    "probes": 45,
    "bench": 45,
}
"""Sections in the order in which they run, with their limits in seconds."""

SMALL_LIMIT = 60


def run_section(name: str, arguments: argparse.Namespace) -> None:
    """One section in this process."""
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from gpu_sections.common import Report

    limit = SMALL_LIMIT if arguments.small else SECTIONS[name]
    report = Report(name, arguments.out / "rows.jsonl", limit, arguments.small, arguments.device)
    try:
        importlib.import_module(f"gpu_sections.{name}").run(report)
    except Exception as error:
        traceback.print_exc()
        report.row("section", error=f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")
        raise SystemExit(1) from error


def drive(arguments: argparse.Namespace) -> int:
    """All sections, one process after the other. Returns the number of those that failed."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = arguments.out / "rows.jsonl"
    rows.unlink(missing_ok=True)
    source = str(Path(__file__).resolve().parents[1] / "src")
    paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    bad = 0
    for name in arguments.sections:
        limit = SMALL_LIMIT if arguments.small else SECTIONS[name]
        print(f"== {name} (at most {limit} s)", flush=True)
        command = [sys.executable, __file__, "--alone", name, "--out", str(arguments.out), "--device", arguments.device]
        started = time.monotonic()
        outcome = "done"
        try:
            # A margin over the limit that the section keeps by itself.
            code = subprocess.run(
                command + ["--small"] * arguments.small, env=environment, timeout=limit + 15, check=False
            )
            if code.returncode:
                outcome = f"failed with exit status {code.returncode}"
        except subprocess.TimeoutExpired:
            outcome = "stopped at its time limit"
        seconds = round(time.monotonic() - started, 1)
        bad += outcome != "done"
        print(f"== {name}: {outcome} after {seconds} s", flush=True)
        with open(rows, "a") as file:
            file.write(json.dumps({"section": name, "name": "section", "outcome": outcome, "seconds": seconds}) + "\n")
    write_results(arguments.out)
    return bad


def write_results(out: Path) -> None:
    """``results.json`` and ``results.md`` of all rows so far."""
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    (out / "results.json").write_text(json.dumps(rows, indent=1))
    failed = [row for row in rows if row.get("ok") is False or "error" in row]
    checked = [row for row in rows if "ok" in row]
    lines = [f"{len(checked)} checks, {len(failed)} failed or with an error.", ""]
    tables: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        columns = tuple(key for key in row if key != "section")
        tables[row["section"], columns].append(row)
    for (section, columns), own in tables.items():
        lines += [f"**{section}**", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
        lines += ["| " + " | ".join(_text(row[key]) for key in columns) + " |" for row in own]
        lines.append("")
    (out / "results.md").write_text("\n".join(lines))
    print(lines[0])
    for row in failed:
        print("FAILED", json.dumps(row)[:400])


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "/").replace("\n", " ")


def main() -> None:
    """Run the sections asked for."""
    parser = argparse.ArgumentParser(description="Correctness and throughput of every part on one GPU.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--sections", nargs="+", default=list(SECTIONS), choices=list(SECTIONS))
    parser.add_argument("--small", action="store_true", help="tiny sizes on the CPU")
    parser.add_argument("--device", default="", help="cuda unless --small")
    parser.add_argument("--alone", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.device = arguments.device or ("cpu" if arguments.small else "cuda")
    if arguments.alone:
        run_section(arguments.alone, arguments)
        return
    raise SystemExit(1 if drive(arguments) else 0)


if __name__ == "__main__":
    main()

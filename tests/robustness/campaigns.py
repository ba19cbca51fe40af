"""Campaigns that try to break a command: random signals, damaged files, odd configurations and command lines.

    PYTHONPATH=src:. python tests/robustness/campaigns.py yaml 2000          # tries 0 to 1999
    PYTHONPATH=src:. python tests/robustness/campaigns.py yaml 1 1234        # try 1234 alone
    PYTHONPATH=src:. python tests/robustness/campaigns.py yaml 2000 500 300  # from try 500, for 300 s

A try counts as failed if it ends in a traceback, in an exception that nobody foresaw, in an exit code that is not
documented, if it hangs, or (signals) if it ends in other bytes than an undisturbed run. Campaigns are seeded: try n is
always the same.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.helpers.heard_signals import hear_signals
from tests.helpers.small_data import write_waves
from tests.robustness.lying_servers import servers
from tests.robustness.odd_commands import command_lines
from tests.robustness.odd_names import names
from tests.robustness.odd_options import options
from tests.robustness.odd_runs import run_files
from tests.robustness.odd_yaml import ENCODER, yaml_files
from tests.robustness.tries import call

TRAINING = ("--training.steps", "60", "--training.batch_size", "4", "--training.checkpoint_every", "10")
TRAINING = (*TRAINING, "--training.probe_every", "0", "--training.threads", "1")


def signals(folder: Path, number: int) -> str | None:
    """A training that random signals stop at random moments ends in the weights of one that they do not."""
    generator = random.Random(number)
    data, out = folder / "waves", folder / f"run{number}"
    if not data.exists():
        write_waves(folder)
        call(["pretrain", "jepa", "--data", str(data), "--out", str(folder / "whole"), *ENCODER, *TRAINING])
    command = [sys.executable, "-m", "physrep", "pretrain", "jepa", "--data", str(data), "--out", str(out)]
    for attempt in range(4):
        with subprocess.Popen(
            [*command, *ENCODER, *TRAINING], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, cwd=folder,
        ) as process:  # fmt: skip
            sent = generator.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGHUP])
            # Python itself takes a while until it listens to signals.
            ready = time.monotonic() + 60
            while attempt < 3 and not (out / "config.yaml").exists() and time.monotonic() < ready:
                time.sleep(0.02)
            if attempt < 3:
                time.sleep(generator.random() * 1.0)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, sent)
            _, err = process.communicate(timeout=120)
        allowed = {0} if attempt == 3 else {0, -sent if sent == signal.SIGKILL else 128 + sent}
        if process.returncode not in allowed or "Traceback" in err or "resource_tracker" in err:
            return f"try {number}, {sent!r}: code {process.returncode}: {err[-400:]}"
        if process.returncode == 0:
            break
    same = (out / "weights.safetensors").read_bytes() == (folder / "whole" / "weights.safetensors").read_bytes()
    left = [path.name for path in out.iterdir() if path.suffix == ".tmp"]
    return None if same and not left else f"try {number}: weights equal {same}, left {left}"


CAMPAIGNS: dict[str, Callable[[Path, int], str | None]] = {
    "yaml": yaml_files,
    "runs": run_files,
    "commands": command_lines,
    "options": options,
    "names": names,
    "servers": servers,
    "signals": signals,
}


def campaign(name: str, numbers: int | Iterable[int], folder: Path) -> list[str]:
    """What went wrong in so many tries, or in the tries of these numbers; ``folder`` is theirs."""
    faults = []
    for number in range(numbers) if isinstance(numbers, int) else numbers:
        fault = CAMPAIGNS[name](folder, number)
        if fault is not None:
            faults.append(f"try {number}: {fault}")
            print(faults[-1], file=sys.stderr, flush=True)
    return faults


if __name__ == "__main__":
    hear_signals()
    first, count = int(sys.argv[3]) if len(sys.argv) > 3 else 0, int(sys.argv[2])
    until = time.monotonic() + (float(sys.argv[4]) if len(sys.argv) > 4 else float("inf"))
    tried = []
    in_time = itertools.takewhile(lambda number: time.monotonic() < until, range(first, first + count))
    with tempfile.TemporaryDirectory() as place:
        found = campaign(sys.argv[1], (tried.append(number) or number for number in in_time), Path(place))
    print(f"{sys.argv[1]}: {len(tried)} tries from number {first}, {len(found)} failed")
    sys.exit(bool(found))

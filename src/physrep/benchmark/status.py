"""How far a benchmark is: done, running, queued, stopped or failed, read from its folder alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..errors import PhysrepError
from ..executors import LOG, Terms, is_gone, last_event, read_lease, read_log
from ..files import read_yaml
from ..leftovers import file_system_time
from .config import read_config
from .finished import LEASE, RECORD
from .grid import expand

STATES = ("done", "running", "queued", "stopped", "failed")


@dataclass(frozen=True)
class JobState:
    """One run.

    Attributes:
        name: of the run.
        state: one of `STATES`; ``stopped`` was begun, and nobody is at it.
        note: who runs it, or since when nobody does.
        log: its last lines, where it failed.
    """

    name: str
    state: str
    note: str = ""
    log: tuple[str, ...] = ()


def benchmark_status(folder: str | Path, lines: int = 5) -> list[JobState]:
    """The state of every run of the benchmark in ``folder``, in the order of its configuration.

    A run counts as running while its lease is younger than the expiry, by the clock of the file system.

    Args:
        folder: of the benchmark.
        lines: of the log of a failed run.

    Raises:
        PhysrepError: the folder holds no benchmark.
    """
    folder = Path(folder)
    path = folder / "config.yaml"
    if not path.is_file():
        raise PhysrepError(f"{folder}: holds no benchmark; give the --out of `physrep bench`.")
    config = read_config(read_yaml(path), str(path))
    terms = Terms(config.cluster.heartbeat, config.cluster.expiry)
    return [_state(run.name, folder / "runs" / run.name, terms, lines) for run in expand(config)]


def _state(name: str, folder: Path, terms: Terms, lines: int) -> JobState:
    lease, event = read_lease(folder / LEASE), last_event(folder / LOG)
    if lease is not None and not lease.get("released"):
        path = folder / f"{LEASE}.{lease['number']}"
        # Both times are the file system's, whatever the clocks of the machines say; its own may have gone back.
        age = abs(file_system_time(folder) - path.stat().st_mtime) if path.exists() else 0.0
        who = f"process {lease.get('process')} on {lease.get('host')}"
        if age <= terms.expiry and not is_gone(lease):
            return JobState(name, "running", f"{who}, attempt {lease['number'] + 1}")
        return JobState(name, "stopped", f"{who} is gone; the next call takes it over")
    if event == "failed":
        return JobState(name, "failed", "", tuple(line for line in read_log(folder / LOG)[-lines:]))
    if (folder / RECORD).is_file():
        return JobState(name, "done")
    return JobState(name, "stopped", "the next call goes on with it") if event else JobState(name, "queued")


def summary(states: list[JobState]) -> str:
    """``3 done, 1 running, 0 queued``: every state that occurs, and always these three."""
    counts = Counter(state.state for state in states)
    return ", ".join(f"{counts[name]} {name}" for name in STATES if counts[name] or name in STATES[:3])

"""A benchmark whose data are open, and its jobs, wave after wave, on any executor; a process opens the splits once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.config import DataConfig
from ..executors import Job, open_engine, run_jobs
from .config import BenchConfig
from .grid import PlannedRun

if TYPE_CHECKING:
    from ..data import ClipDataset


@dataclass(frozen=True)
class OpenBench:
    """A benchmark whose data are open: what each of its parts works on. Another process opens the data anew.

    Attributes:
        config: of the benchmark.
        data: the data set, found or simulated.
        out: folder of the benchmark.
        device: ``cpu`` or ``cuda``.
        executor: where jobs are done.
        opened: the three splits, where this process has opened them.
    """

    config: BenchConfig
    data: DataConfig
    out: Path
    device: str
    executor: str = "process"
    opened: dict[str, ClipDataset] | None = None

    @property
    def splits(self) -> dict[str, ClipDataset]:
        """The three splits, opened for the first job of a process and kept."""
        return splits_here(self.data) if self.opened is None else self.opened

    def folder(self, run: PlannedRun) -> Path:
        """The folder of a run."""
        return self.out / "runs" / run.name

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "opened": None}

    def do(self, waves: Sequence[Sequence[Job]], workers: int | None) -> None:
        """Do jobs, wave after wave."""
        # For jobs in this process, which has the splits open.
        _OPENED[:] = [(self.data, self.splits)]
        count, cluster = sum(map(len, waves)), self.config.cluster
        try:
            with open_engine(
                self.executor, workers=workers, jobs=count, device=self.device, folder=self.out, cluster=cluster
            ) as engine:
                for wave in waves:
                    for _ in run_jobs(wave, engine):
                        pass
        finally:
            _OPENED.clear()


def splits_here(data: DataConfig) -> dict[str, ClipDataset]:
    """The splits that this process has open, for its first job opened."""
    if not _OPENED or _OPENED[0][0] != data:
        _OPENED[:] = [(data, data.open_splits())]
    return _OPENED[0][1]


_OPENED: list[tuple[DataConfig, dict[str, ClipDataset]]] = []
"""The splits that this process has open for runs."""

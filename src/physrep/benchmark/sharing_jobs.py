"""Jobs of a benchmark, wave after wave, on any executor; each of its processes opens the splits once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..data.config import DataConfig
from ..executors import Job, open_engine, run_jobs
from .config import BenchConfig

if TYPE_CHECKING:
    from ..data import ClipDataset


def do_jobs(
    waves: Sequence[Sequence[Job]],
    config: BenchConfig,
    data: DataConfig,
    splits: dict[str, ClipDataset],
    out: Path,
    device: str,
    executor: str,
    workers: int | None,
) -> None:
    """Do jobs, wave after wave."""
    # For jobs in this process, which has the splits open.
    _OPENED[:] = [(data, splits)]
    count = sum(map(len, waves))
    try:
        with open_engine(
            executor, workers=workers, jobs=count, device=device, folder=out, cluster=config.cluster
        ) as engine:
            for wave in waves:
                for _ in run_jobs(wave, engine):
                    pass
    finally:
        _OPENED.clear()


def splits_here(data: DataConfig) -> dict[str, ClipDataset]:
    if not _OPENED or _OPENED[0][0] != data:
        _OPENED[:] = [(data, data.open_splits())]
    return _OPENED[0][1]


_OPENED: list[tuple[DataConfig, dict[str, ClipDataset]]] = []
"""The splits that this process has open for runs."""

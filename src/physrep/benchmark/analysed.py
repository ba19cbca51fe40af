"""The analyses of a finished benchmark, as jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..analyses import Context, FrozenRun
from ..analyses.run import FOLDER, is_analysed, requests, run_analysis
from ..data.config import DataConfig
from ..data.labelled import labelled
from ..executors import Job
from ..files import content_hash
from ..run_directory import read_summary
from ..tokens.protocol import read_protocol
from .config import BenchConfig
from .grid import PlannedRun
from .sharing_jobs import OpenBench, splits_here

if TYPE_CHECKING:
    from ..data import ClipDataset


def analyse(grid: list[PlannedRun], work: OpenBench) -> None:
    """The tables of the analyses, one job for each; they do not read one another's."""
    config, data, out, device = work.config, work.data, work.out, work.device
    if not config.analyses:
        return
    wanted = requests(config.analyses, _context(grid, config, data, work.splits, out, device))
    folder = out / FOLDER
    jobs = [
        Job(f"analysis {name}", _answer, (name, request, grid, config, data, out, device), folder / f"{name}_lease",
            _is_answered, folder / f"{name}.log")
        for name, request in wanted.items()
    ]  # fmt: skip
    # A single one has all cores of this process.
    work.do([jobs], 1 if len(jobs) == 1 else config.jobs)


def _answer(
    name: str,
    request: dict[str, Any],
    grid: list[PlannedRun],
    config: BenchConfig,
    data: DataConfig,
    out: Path,
    device: str,
) -> None:
    """`run_analysis` in a process that opens the splits for its first job and keeps them."""
    run_analysis(name, request, _context(grid, config, data, splits_here(data), out, device))


def _is_answered(
    name: str,
    request: dict[str, Any],
    grid: list[PlannedRun],
    config: BenchConfig,
    data: DataConfig,
    out: Path,
    device: str,
) -> bool:
    return is_analysed(out / FOLDER, name, content_hash(request))


def _context(
    grid: list[PlannedRun],
    config: BenchConfig,
    data: DataConfig,
    splits: dict[str, ClipDataset],
    out: Path,
    device: str,
) -> Context:
    from ..tokens import LabelScaler

    frozen = []
    for run in grid:
        folder = out / "runs" / run.name
        if run.learner != "constant":
            kind = read_summary(folder)["kind"]
            title = run.name.removesuffix(f"-s{run.seed}")
            frozen.append(FrozenRun(run.name, title, run.learner, run.encoder, run.seed, kind, folder))
    known = labelled(splits)
    complete = labelled(splits, every=True)
    # Tokens are of trajectories with any label, analyses read those with all of them.
    kept = {split: np.flatnonzero(np.isin(own.numbers, complete[split].numbers)) for split, own in known.items()}
    return Context(
        config.system,
        data,
        complete,
        LabelScaler.of_training(known["train"], config.scales),
        config.num_frames,
        config.eval_stride,
        frozen,
        config.probes,
        out,
        device,
        config.n_resamples,
        read_protocol(config.protocol),
        kept,
    )

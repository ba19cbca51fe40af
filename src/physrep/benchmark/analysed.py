"""The analyses of a finished benchmark, as jobs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..analyses import Context, FrozenRun
from ..analyses.run import FOLDER, is_analysed, requests, run_analysis
from ..data.labelled import labelled
from ..executors import Job
from ..files import content_hash
from ..run_directory import read_summary
from ..tokens.protocol import read_protocol
from .grid import PlannedRun
from .open_bench import OpenBench


def analyse(grid: list[PlannedRun], work: OpenBench) -> None:
    """The tables of the analyses, one job for each; they do not read one another's."""
    config = work.config
    if not config.analyses:
        return
    folder = work.out / FOLDER
    jobs = [
        Job(f"analysis {name}", _answer, (name, request, grid, work), folder / f"{name}_lease", _is_answered,
            folder / f"{name}.log")
        for name, request in requests(config.analyses, _context(grid, work)).items()
    ]  # fmt: skip
    # A single one has all cores of this process.
    work.do([jobs], 1 if len(jobs) == 1 else config.jobs)


def _answer(name: str, request: dict[str, Any], grid: list[PlannedRun], work: OpenBench) -> None:
    run_analysis(name, request, _context(grid, work))


def _is_answered(name: str, request: dict[str, Any], grid: list[PlannedRun], work: OpenBench) -> bool:
    return is_analysed(work.out / FOLDER, name, content_hash(request))


def _context(grid: list[PlannedRun], work: OpenBench) -> Context:
    from ..tokens import LabelScaler

    config, splits, frozen = work.config, work.splits, []
    for run in grid:
        folder = work.folder(run)
        if run.learner != "constant":
            kind = read_summary(folder)["kind"]
            frozen.append(FrozenRun(run.name, run.title, run.learner, run.encoder, run.seed, kind, folder))
    known = labelled(splits)
    complete = labelled(splits, every=True)
    # Tokens are of trajectories with any label, analyses read those with all of them.
    kept = {split: np.flatnonzero(np.isin(own.numbers, complete[split].numbers)) for split, own in known.items()}
    return Context(
        config.system,
        work.data,
        complete,
        LabelScaler.of_training(known["train"], config.scales),
        config.num_frames,
        config.eval_stride,
        frozen,
        config.probes,
        work.out,
        work.device,
        config.n_resamples,
        read_protocol(config.protocol),
        kept,
    )

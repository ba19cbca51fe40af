"""What a benchmark would do, and what of it is there: the text of ``physrep bench --plan``."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.names import SPLITS
from ..data.reader import window_span
from ..devices import resolve_device
from ..errors import PhysrepError
from ..executors import cores
from ..plans import THERE, TO_DO, PlanStep, plan_text
from ..simulation.plan import simulation_step
from ..simulation.request import resolve_request
from ..training.clip_shape import ClipShape, shape_of_system
from ..training.estimate import CostEstimate, estimate_costs
from ..training.plan import shape_of_data, threads_of_a_job, training_step
from .config import BenchConfig
from .grid import PlannedRun, expand
from .run import SCORES
from .system_name import with_system

if TYPE_CHECKING:
    from ..data.config import DataConfig


def plan_bench(config: BenchConfig, out: str | Path, device: str = "cpu") -> str:
    """What is to be done, what is there, operations, time on this machine, disk and memory.

    Data that are not there are planned for with the shapes that the system states; nothing is written.

    Args:
        config: the benchmark.
        out: its folder.
        device: where it will compute.

    Raises:
        PhysrepError: bad settings, or the data are not there and no system tells their shape.
    """
    out, kind = Path(out), resolve_device(device).partition(":")[0]
    config = with_system(config)
    grid = expand(config)
    jobs = min(config.jobs or cores(), len(grid)) if kind == "cpu" else 1
    first, shape, lengths, notes = _data(config, out, kind)
    steps, known, encoders = list(first), {}, {}
    for own in (lengths or {}).values():
        window_span(own, config.num_frames, config.data.frame_step, config.data.path or config.system)
    with threads_of_a_job(jobs):
        for run in grid:
            steps += _steps_of(run, config, shape, lengths, out / "runs" / run.name, kind, known, encoders)
    for name in config.analyses:
        there = (out / "analyses" / f"{name}.csv").is_file()
        steps.append(PlanStep(f"analysis {name}", THERE if there else TO_DO, 0.0 if there else math.nan))
    notes.append("Probes are fitted after each embedding; their time is not measured.")
    return plan_text(f"plan of {out}: {config.system}, {len(grid)} runs on {kind}", steps, kind, jobs, notes)


def _data(
    config: BenchConfig, out: Path, device: str
) -> tuple[list[PlanStep], ClipShape, dict[str, list[int]] | None, list[str]]:
    """Steps that make the data, the shape of clips, frames of the trajectories per split (None: unknown), sentences."""
    data = config.data
    if data.path or data.root:
        place = data.located(config.system)
        shape, lengths, disk = shape_of_data(place)
        where = PlanStep(f"data {place.path}", THERE)
        return (
            [where, PlanStep("cache of the windows", TO_DO if disk else THERE, math.nan if disk else 0, 0, disk)],
            shape,
            lengths,
            [],
        )
    if data.dataset:
        shape = chosen_channels(shape_of_system(config.system, data.resolution, None, data.frame_step), data)
        said = (
            f"The data set {data.dataset} is not named (--data-root): channels and frames are those that physrep "
            f"states for the system, embedding is given per 1000 windows."
        )
        return [PlanStep(f"data {data.dataset}", "not found")], shape, None, [said]
    request = resolve_request(config.system, config.simulation)
    root = out / "data" / request.system.name
    step = simulation_step(config.system, config.simulation, out / "data", device)
    if step.state == THERE:
        shape, lengths, disk = shape_of_data(replace(data, path=str(root)))
    else:
        from ..data.splits import split_counts

        settings = request.settings
        shape = shape_of_system(
            config.system, data.resolution or settings["resolution"], settings["save_dt"], data.frame_step
        )
        shape = chosen_channels(shape, data)
        counts = split_counts(settings["trajectories"], settings["splits"])
        lengths = {name: [settings["frames"]] * n for name, n in zip(SPLITS, counts, strict=True)}
        frames = sum(map(sum, lengths.values()))
        copied = 0 if data.as_stored else frames * len(shape.channels) * math.prod(shape.points)
        disk = copied * np.dtype(data.cache_dtype).itemsize
    return [step, PlanStep("cache of the windows", TO_DO if disk else THERE, 0.0, 0.0, disk)], shape, lengths, []


def chosen_channels(shape: ClipShape, data: DataConfig) -> ClipShape:
    """The channels and parameters that the view of a benchmark takes.

    Args:
        shape: of all that is stored.
        data: the view.

    Raises:
        PhysrepError: it takes no channel that there is.
    """
    names = data.fields
    channels = tuple(c for c in shape.channels if not names or any(c == n or c.startswith(f"{n}_") for n in names))
    if not channels:
        raise PhysrepError(f"data.fields are {names}, but the system has the channels {', '.join(shape.channels)}.")
    return replace(shape, channels=channels, parameters=tuple(data.parameters or shape.parameters))


def _steps_of(
    run: PlannedRun,
    config: BenchConfig,
    shape: ClipShape,
    lengths: dict[str, list[int]] | None,
    folder: Path,
    device: str,
    known: dict[str, CostEstimate],
    encoders: dict[Any, float],
) -> list[PlanStep]:
    if (folder / SCORES).is_file():
        return [PlanStep(f"run {run.name}", THERE)]
    if run.learner == "constant":
        return [PlanStep(f"run {run.name}", TO_DO)]
    key = repr((run.learner, run.options, run.trained))
    if key not in known:
        known[key] = estimate_costs(run.learner, run.options, config.num_frames, shape, run.trained, device, encoders)
    found = known[key]
    steps = [training_step(run.name, found, run.training, folder)] if run.trained else []
    count = 1000 if lengths is None else evaluation_windows(lengths, config)
    bytes_ = count * found.tokens * found.width * np.dtype(config.token_dtype).itemsize
    there = (folder / "tokens" / "test" / "meta.json").is_file()
    name = f"embed {run.name}, {count} windows" + (" (unknown)" if lengths is None else "")
    if there:
        return [*steps, PlanStep(name, THERE)]
    return [
        *steps,
        PlanStep(
            name,
            TO_DO,
            count * found.encode_seconds,
            count * found.encode_flops,
            bytes_,
            found.weights,
            "" if run.trained else found.note,
        ),
    ]


def evaluation_windows(lengths: dict[str, list[int]], config: BenchConfig) -> int:
    """Evaluation windows of all splits."""
    span = (config.num_frames - 1) * config.data.frame_step
    return sum(max(0, (n - span - 1) // config.eval_stride + 1) for own in lengths.values() for n in own)

"""What a training would do, as steps of a plan."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path
from typing import Any

import torch

from ..data.config import DataConfig
from ..data.reader import window_span
from ..devices import resolve_device
from ..errors import PhysrepError
from ..executors import cores
from ..plans import THERE, TO_DO, PlanStep, plan_text
from ..run_directory import STATE, is_finished
from .clip_shape import ClipShape
from .config import TrainingConfig
from .estimate import CostEstimate, estimate_costs
from .state import read_state


def shape_of_data(data: DataConfig) -> tuple[ClipShape, dict[str, list[int]], int]:
    """The clips of data that exist, frames of every trajectory per split, and bytes of the caches still to write.

    Raises:
        PhysrepError: see `physrep.data.config.DataConfig.open_splits`.
    """
    from ..data import SPLITS, check_cache_space, has_split
    from ..data.cache_copy import observed
    from ..data.cache_plan import plan_cache

    root = data.located().path
    there = [split for split in SPLITS if has_split(root, split)]
    request = data.request()
    observations = {split: data.observation_of(split) for split in there}
    disk = check_cache_space(root, there, request, observations, data.observation_seed)
    lengths: dict[str, list[int]] = {}
    shape: ClipShape | None = None
    for split in there:
        plan = plan_cache(root, split, request, observations[split], data.observation_seed)
        scan = plan.scan()
        scene, lengths[split] = observed(scan, plan.observation)
        if shape is None:
            names = tuple(data.parameters or scan.parameters)
            dt = scene.dt * data.frame_step
            shape = ClipShape(scene.channels, scene.shape, scene.dx, scene.periodic, dt, names, scan.dataset_name)
    if shape is None:
        raise PhysrepError(
            f"{root}: holds no data/train, data/valid or data/test with files; simulate or convert first."
        )
    limit = data.max_trajectories
    lengths["train"] = lengths["train"][:limit]
    return shape, lengths, disk


def training_step(name: str, found: CostEstimate, training: TrainingConfig, folder: Path) -> PlanStep:
    """The training of a run, as far as it is not done.

    Args:
        name: of the run.
        found: its costs per clip.
        training: its schedule.
        folder: its run directory.
    """
    if is_finished(folder):
        return PlanStep(f"train {name}", THERE)
    if found.closed_form:
        return PlanStep(f"fit {name}", TO_DO, math.nan, math.nan, 2 * found.weights, math.nan, found.note)
    per_step = training.batch_size * training.accumulate_grad_batches
    steps = training.steps
    if training.flops:
        steps = max(1, round(training.flops / (found.train_flops * per_step)))
    done = 0
    if (folder / STATE).is_file():
        with contextlib.suppress(PhysrepError):
            state = read_state(folder)
            done = state.step if state else 0
    clips = (steps - done) * per_step
    return PlanStep(
        f"train {name}, {steps} steps",
        f"step {done} of {steps}" if done else TO_DO,
        clips * found.train_seconds,
        clips * found.train_flops,
        2 * found.weights + 8 * found.trained,
        found.training_bytes(training.batch_size),
        found.note,
    )


@contextlib.contextmanager
def threads_of_a_job(jobs: int) -> Any:
    """As many threads as one of several jobs side by side gets."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(max(1, cores() // jobs))
        yield
    finally:
        torch.set_num_threads(before)


def plan_training(
    learner: str, data: DataConfig, out: str | Path, options: dict[str, Any], num_frames: int,
    training: TrainingConfig, device: str,
) -> str:  # fmt: skip
    """The text of ``physrep pretrain --plan``.

    Raises:
        PhysrepError: bad settings or data.
    """
    training.check()
    here = resolve_device(device)
    kind = here.partition(":")[0]
    shape, lengths, disk = shape_of_data(data)
    for own in lengths.values():
        window_span(own, num_frames, data.frame_step, data.path)
    found = estimate_costs(learner, options, num_frames, shape, True, kind)
    steps = [
        PlanStep("cache of the windows", TO_DO if disk else THERE, math.nan if disk else 0.0, 0.0, disk),
        training_step(learner, found, training, Path(out)),
    ]
    seen = f"{len(lengths['train'])} trajectories of {'x'.join(map(str, shape.points))} points, {len(shape.channels)}"
    return plan_text(f"plan of {out}: {learner} on {seen} channels", steps, kind)

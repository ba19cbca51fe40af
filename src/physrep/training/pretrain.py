"""Training a learner on clips: seeded, logged, resumable to the same weights.

Which windows a step sees, their augmentation and the random numbers of every micro-batch follow from the seed and its
number alone; the state is written every ``checkpoint_every`` optimiser steps, and when a signal asks to stop. So a run
that is killed and started again repeats the steps since its last state and ends in the same weights.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..data.config import DataConfig, parameter_scales
from ..devices import resolve_device
from ..errors import PhysrepError
from ..executors import keeping_freed_memory, writing
from ..files import write_json
from ..ranges import check_seed
from ..renamed import takes_former_names
from ..run_directory import (
    SUMMARY,
    is_finished,
    learner_config,
    prepare_learner,
    save_learner,
    start_config,
    write_run_config,
)
from .claim import is_claimed
from .config import TrainingConfig
from .stream import WindowStream

if TYPE_CHECKING:
    import torch

    from ..data import ClipDataset
    from ..learners.base import Learner
    from .group import Place
    from .work import Work


@takes_former_names
def pretrain(
    learner: str,
    data: DataConfig,
    out: str | Path,
    *,
    options: Mapping[str, Any] | None = None,
    num_frames: int = 16,
    training: TrainingConfig | None = None,
    scales: Mapping[str, str] | None = None,
    seed: int = 0,
    device: str = "auto",
    devices: int = 1,
    label: str | None = None,
    init_from: str | None = None,
    train: ClipDataset | None = None,
) -> Path:
    """Train a learner; a finished run is left as it is, an interrupted one goes on.

    Args:
        learner: name in `physrep.learners.LEARNERS`, or import path.
        data: what to train on.
        out: run directory.
        options: keyword arguments of the learner.
        num_frames: frames per window that the encoder reads.
        training: schedule, augmentation, logging.
        scales: ``{parameter: "log" | "linear"}``, for supervised training and the online probe.
        seed: fixes initial weights, windows, augmentation.
        device: ``auto``, ``cpu``, ``cuda``.
        devices: processes that train together, each on a GPU of its own or all on the CPU: those of a launcher
            (torchrun, srun) that started as many, else they are started here. 1 asks no launcher.
        label: name shown with the progress.
        init_from: run directory whose weights the learner starts from: all of them for the ``base`` of a fine-tuned
            learner, else those of the encoder.
        train: the training split of ``data``, if it is open already.

    Returns:
        The run directory.

    Raises:
        PhysrepError: bad settings or data, or ``out`` holds a run with other settings.
    """
    import torch

    from .group import launched
    from .loop import check_precision

    out, training = Path(out), training or TrainingConfig()
    data.check_out(out)
    training.check()
    check_seed(seed)
    if num_frames < 1:
        raise PhysrepError(f"num_frames is {num_frames}; it must be at least 1.")
    kind = resolve_device(device).partition(":")[0]
    _check_devices(devices, kind)
    if training.online and devices > 1:
        raise PhysrepError(f"training.online simulates for one training process; set devices to 1, not {devices}.")
    place = launched(devices)
    here = torch.device("cuda", place.local) if place and kind == "cuda" else torch.device(resolve_device(device))
    check_precision(training.precision, here)
    train = train or data.open("train")
    config = learner_config(learner, options or {}, num_frames, train, parameter_scales(train, scales), data, seed)
    config["training"] = asdict(training)
    if devices > 1:
        # Their batches add up: another number of processes would be another training.
        config["devices"] = devices
    if init_from is not None:
        config["init_from"] = start_config(init_from)
    if is_finished(out):
        is_claimed(out, config, train)
        return out
    claim = writing(out, "physrep pretrain") if place is None or place.first else contextlib.nullcontext()
    with claim, keeping_freed_memory():
        return _pretrain(config, data, train, out, training, devices, place, here, label or learner)


def _pretrain(
    config: dict[str, Any],
    data: DataConfig,
    train: ClipDataset,
    out: Path,
    training: TrainingConfig,
    devices: int,
    place: Place | None,
    here: torch.device,
    label: str,
) -> Path:
    """Train what is described, in a folder that no other one writes."""
    import torch

    from ..data.replicates import assert_replicates_apart
    from ..learners.abilities import FitsInClosedForm
    from ..learners.base import Learner
    from .loop import build_stream
    from .work import Work

    learner, seed, kind = config["learner"], config["seed"], here.type
    claimed = is_claimed(out, config, train)
    if is_finished(out):
        return out
    if training.threads:
        torch.set_num_threads(training.threads)
    module = prepare_learner(config, train)
    if not isinstance(module, Learner) or not module.trainable:
        raise PhysrepError(f"learner {learner!r} has nothing to train; use `physrep bench` or `physrep embed` for it.")
    build_stream(module, train, data, training, seed)  # refuses an augmentation that the data do not allow
    if module.target == "replicate":
        assert_replicates_apart(data.located().path)
    started = time.monotonic()
    if isinstance(module, FitsInClosedForm):
        if devices > 1:
            raise PhysrepError(f"learner {learner!r} is fitted in closed form by one process; set devices to 1.")
        if not claimed:
            write_run_config(out, config)
        costs = _closed_form(module, train, data, seed, out, here, label or learner)
        save_learner(out, module, config)
        write_json(out / SUMMARY, {"learner": learner, **costs})
        return out
    flops = _flops_per_clip(module, train, data, training.batch_size)
    first = place is None or place.first
    if first and not claimed:
        write_run_config(out, config)
    work = Work(data, config, training, out, kind, label or learner)
    costs = _by_steps(module, train, work, flops, here, devices, place)
    if first:
        save_learner(out, module, config)
        own = {"seconds_this_call": round(time.monotonic() - started, 1)}
        write_json(out / SUMMARY, {"learner": learner, **costs, **own})
    return out


def _by_steps(
    module: Learner,
    train: ClipDataset,
    work: Work,
    flops: float,
    device: torch.device,
    devices: int,
    place: Place | None,
) -> dict[str, Any]:
    """Train by gradient steps, alone, among the processes of a launcher or with such as are started here; the costs."""
    from .costs import PeakMemory
    from .group import among_others, join
    from .loop import fit

    training = work.training
    clips_per_step = training.batch_size * training.accumulate_grad_batches * devices
    if training.flops:
        training = replace(training, steps=max(1, round(training.flops / (flops * clips_per_step))))
        work = replace(work, training=training)
    with PeakMemory(work.kind) as memory:
        if devices > 1 and place is None:
            seconds, steps = _together(module, work, devices)
        else:
            if place is not None:
                join(place, device)
            with among_others():
                seconds, steps = fit(module, train, work, device, place)
    fresh = {"trajectories_simulated": steps * clips_per_step // training.online_clips} if training.online else {}
    return {
        **fresh,
        "parameters": sum(p.numel() for p in module.parameters() if p.requires_grad),
        "clips_seen": steps * clips_per_step,
        "frames_per_clip": module.train_frames,
        "flops": flops * steps * clips_per_step,
        "peak_memory": memory.peak if devices == 1 else None,
        "steps": steps,
        "seconds": round(seconds, 1),
    }


def _closed_form(
    module: Learner, train: ClipDataset, data: DataConfig, seed: int, out: Path, device: torch.device, label: str
) -> dict[str, Any]:
    """Fit a learner that needs no steps; of a training configuration nothing but the seed and the device is read."""
    from .closed_form import fit_closed_form
    from .costs import PeakMemory

    valid = data.open("valid", train.stats)
    with PeakMemory(device.type) as memory:
        costs = fit_closed_form(module.to(device), train, valid, data.frame_step, seed, out, device, label)
    size = sum(buffer.numel() for buffer in module.buffers() if buffer.is_floating_point())
    return {"parameters": size, **costs, "frames_per_clip": module.num_frames, "peak_memory": memory.peak, "steps": 0}


def _flops_per_clip(module: Learner, train: ClipDataset, data: DataConfig, batch_size: int) -> float:
    """Operations per training clip, measured before training starts: on two clips if the loss takes so few."""
    from .costs import training_flops

    error = None
    for clips in (2, batch_size):
        stream = WindowStream.plain(module, train, data.frame_step, clips)
        try:
            return training_flops(module, stream.batch(0))
        except PhysrepError as refusal:
            error = refusal
    assert error is not None
    raise error


def _check_devices(devices: int, kind: str) -> None:
    import torch

    from .group import launched

    if devices < 1:
        raise PhysrepError(f"devices is {devices}; it must be at least 1.")
    if kind not in ("cpu", "cuda") and devices > 1:
        raise PhysrepError(f"devices is {devices}, but several processes need device cpu or cuda; {kind} takes one.")
    there = torch.cuda.device_count() if kind == "cuda" else devices
    if devices > there and launched(devices) is None:
        raise PhysrepError(f"devices is {devices}, but this machine has {there} GPUs; give at most as many.")


def _together(module: Learner, work: Work, devices: int) -> tuple[float, int]:
    """Train in processes of their own, and take over what they have learned; seconds and steps of training in all."""
    from .several import fit_together
    from .state import read_state

    fit_together(work, devices)
    state = read_state(work.out)
    assert state is not None
    module.load_state_dict(state.best_weights or state.weights)
    return state.seconds, state.step

"""The training loop: seeded, logged, resumable to the same weights, alone or together with other processes.

Plain torch: autocast, a gradient scaler and DistributedDataParallel are all that a learner needs. The loop owns its
state, asks no launcher's variable that the command did not ask for, and writes below ``out`` only.
"""

from __future__ import annotations

import io
import itertools
import signal
from collections.abc import Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ..clip import Clip
from ..data import ClipDataset
from ..data.config import DataConfig
from ..data.labelled import labelled_split
from ..errors import PhysrepError
from ..learners.abilities import MixesTimeSteps
from ..learners.base import Learner
from ..progress import Progress, time_is_up
from ..signals import Stopped, deferred
from ..systems import trajectory_seed
from .config import PRECISIONS, TrainingConfig
from .group import Place, any_process
from .online_probe import OnlineProbe, validation_split
from .online_stream import OnlineStream
from .record import Record
from .schedule import build_optimiser, learning_rate_factor
from .state import State, read_state, restore, write_state
from .stream import Stream, WindowStream
from .symmetries import check_symmetries, symmetries_of
from .varied_stream import VariedStream
from .work import Work

AUTOCAST: dict[str, torch.dtype | None] = dict(zip(PRECISIONS, (None, torch.bfloat16, torch.float16), strict=True))
"""Names of precisions and the type of the operations that autocast lowers."""


class Objective(nn.Module):
    """A learner's loss under autocast, as the forward pass that DistributedDataParallel wants.

    Args:
        learner: what is trained.
        device: where.
        precision: a name in `AUTOCAST`.
    """

    def __init__(self, learner: Learner, device: torch.device, precision: str) -> None:
        super().__init__()
        self.learner, self.device, self.dtype = learner, device, AUTOCAST[precision]

    def forward(self, clip: Clip) -> dict[str, Tensor]:
        with torch.autocast(self.device.type, self.dtype, enabled=self.dtype is not None):
            return self.learner.loss(clip)


class Loop:
    """Learner, optimiser and gradient scaler, one optimiser step at a time.

    Args:
        learner: moved to ``device``.
        stream: its micro-batches.
        training: schedule and precision.
        seed: of what a learner draws.
        device, place: of this process.
    """

    def __init__(
        self,
        learner: Learner,
        stream: Stream,
        training: TrainingConfig,
        seed: int,
        device: torch.device,
        place: Place,
    ) -> None:
        self.learner = learner.to(device)
        self.stream, self.training, self.seed, self.device, self.place = stream, training, seed, device, place
        self.optimiser = build_optimiser(learner, training)
        half = training.precision == "16-mixed"
        self.scaler = torch.amp.GradScaler(device.type, enabled=half)  # pyright: ignore[reportPrivateImportUsage]
        objective = Objective(learner, device, training.precision)
        self.together = place.world > 1
        self.objective: nn.Module = _distributed(objective, device) if self.together else objective

    def step(self, number: int, batches: Any) -> dict[str, Tensor]:
        """Optimiser step ``number`` (from 0); returns the terms of its last micro-batch."""
        training = self.training
        for group in self.optimiser.param_groups:
            group["lr"] = training.learning_rate * learning_rate_factor(number, training)
        self.optimiser.zero_grad()
        terms: dict[str, Tensor] = {}
        for part in range(training.accumulate_grad_batches):
            clip = next(batches).to(self.device)
            # Whatever a learner draws (masks, slices, permutations) depends on the number of the micro-batch alone.
            torch.manual_seed(
                trajectory_seed(self.seed, "batch", number * training.accumulate_grad_batches + part, self.place.rank)
            )
            last = part + 1 == training.accumulate_grad_batches
            distributed: Any = self.objective
            alone: Any = nullcontext() if last or not self.together else distributed.no_sync()
            with alone:
                terms = self.objective(clip)
                self.scaler.scale(terms["loss"] / training.accumulate_grad_batches).backward()
        if training.gradient_clip_val:
            self.scaler.unscale_(self.optimiser)
            parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, training.gradient_clip_val)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self.learner.after_step((number + 1) / training.steps)
        return {name: value.detach() for name, value in terms.items()}

    def state(self, step: int, record: Record) -> State:
        """What the training continues from after ``step`` steps."""
        weights = {name: value.detach() for name, value in self.learner.state_dict().items()}
        return State(
            step,
            weights,
            self.optimiser.state_dict(),
            self.scaler.state_dict(),
            record.best,
            record.best_weights,
            record.elapsed(),
        )

    def averaged(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        """The terms as numbers, averaged over the processes."""
        values = torch.stack([value.float().reshape(()) for value in terms.values()])
        if self.together:
            dist.all_reduce(values)
            values /= self.place.world
            return dict(zip(terms, values.tolist(), strict=True))
        return {name: float(value) for name, value in terms.items()}


def _distributed(objective: Objective, device: torch.device) -> DistributedDataParallel:
    if device.type == "cuda":
        # Batch norm over the clips of all devices; torch has that for GPUs only.
        synced: Any = nn.SyncBatchNorm.convert_sync_batchnorm(objective.learner)
        objective.learner = synced
    return DistributedDataParallel(
        objective, device_ids=[device.index] if device.type == "cuda" else None, find_unused_parameters=True
    )


def fit(
    learner: Learner, train: ClipDataset, work: Work, device: torch.device, place: Place | None = None
) -> tuple[float, int]:
    """Train ``learner`` in place, from its last state if there is one.

    Returns seconds of training and optimiser steps in all: fewer than those of ``training`` where a `time_limit` for
    training was over before.

    Args:
        learner: with the weights that a new training begins with.
        train: training split.
        work: what to train, and where it is stored.
        device: where this process computes.
        place: this process among those that train together, which have joined their group; None if it is alone.

    Raises:
        PhysrepError: a loss that is not finite, a damaged state, a symmetry that the equations do not have.
        Stopped: a signal asked to stop (KeyboardInterrupt outside the command line); the state is saved.
    """
    place = place or Place()
    data, config, training, out, label = work.data, work.config, work.training, work.out, work.label
    if learner.needs_labels:
        train = labelled_split(train)
    stream = build_stream(learner, train, data, training, config["seed"], out)
    stream.rank, stream.world = place.rank, place.world
    valid = validation_split(data, train, training)
    if learner.needs_labels and valid is not None:
        valid = labelled_split(valid)
    probe = None
    if training.probe_every and place.first:
        probe = OnlineProbe(train, valid, learner.num_frames, data.frame_step, config["parameters"])
        probe.say(label)
    loop = Loop(learner, stream, training, config["seed"], device, place)
    state = read_state(out)
    done = 0
    if state is not None:
        restore(state, out, learner, loop.optimiser, loop.scaler)
        done = state.step
    record = Record(out, training, probe, valid if training.select == "best" else None, place.first, state)
    quiet: Any = {} if place.first else {"stream": io.StringIO()}
    stream.first = done * training.accumulate_grad_batches
    stream.count = max(0, training.steps - done) * training.accumulate_grad_batches
    late = False
    walk: Any = iter(stream)
    with (
        Progress(training.steps, label, "steps", limited=False, **quiet) as progress,
        record,
        deferred() as stop,
        closing(walk) as batches,
    ):
        if done:
            progress.advance(done, "found")
        for number in range(done, training.steps):
            terms = loop.step(number, batches)
            done = number + 1
            progress.advance()
            late = place.world == 1 and time_is_up(training=True)
            if done % training.log_every == 0 or done == training.steps or late:
                record.log(done, loop.averaged(terms), learner)
            over = done % training.checkpoint_every == 0 or done == training.steps or late
            if over:
                record.validate(done, learner, data.frame_step)
            asked = any_process(bool(stop), device)
            if (over or asked) and place.first:
                record.write()
                write_state(out, loop.state(done, record))
            if asked or late:
                break
        seconds = record.elapsed()
    if done < training.steps and not late:
        raise Stopped(signal.SIGTERM)  # another process of the group was asked
    if record.best_weights:
        learner.load_state_dict(record.best_weights)
    return seconds, done


def build_stream(
    learner: Learner, train: ClipDataset, data: DataConfig, training: TrainingConfig, seed: int, out: Path | None = None
) -> Stream:
    """The micro-batches of a training, with the augmentation that it asks for.

    Args:
        learner: what is trained.
        train: training split.
        data, training: settings.
        seed: of order and augmentation.
        out: the run's folder, where trajectories that are simulated while training are kept for a while.

    Raises:
        PhysrepError: a symmetry that the system's equations do not have, or data that cannot be simulated afresh.
    """
    symmetries = symmetries_of(training)
    check_symmetries(symmetries, train.dataset_name, train.axes)
    if training.online and (training.frame_steps or training.coarsen):
        raise PhysrepError("training.online takes windows as they are stored; leave frame_steps and coarsen out.")
    if training.online:
        return OnlineStream(train, learner.train_frames, learner.target, symmetries, data, training, seed, out)
    pairs = [(data.frame_step, data.frame_step)]
    if training.frame_steps:
        steps = [data.frame_step * factor for factor in training.frame_steps]
        mixes = isinstance(learner, MixesTimeSteps) and learner.mixes_time_steps
        pairs = list(itertools.product(steps, steps)) if mixes else [(step, step) for step in steps]
    streams = [
        WindowStream(
            train, learner.train_frames, first, training.batch_size, seed, training.window_stride, symmetries,
            learner.target, second,
        )
        for first, second in pairs
    ]  # fmt: skip
    return streams[0] if len(streams) == 1 and not training.coarsen else VariedStream(streams, training.coarsen)


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that the device does not have.

    Raises:
        PhysrepError: naming those that it has.
    """
    if precision == "16-mixed" and device.type == "cpu":
        raise PhysrepError("training.precision 16-mixed needs a GPU; give bf16-mixed or 32-true.")

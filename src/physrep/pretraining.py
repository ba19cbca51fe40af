"""Training a learner on clips, through Lightning: seeded, logged, resumable to the same weights.

Training is cut into chunks of ``checkpoint_every`` optimiser steps. Which windows a step sees, their augmentation and
the random numbers of every micro-batch follow from the seed and its number alone; a checkpoint is written after every
chunk. So a run that is killed and started again repeats the unfinished chunk and ends in the same weights.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .data_config import DataConfig, parameter_scales
from .errors import PhysrepError
from .files import read_yaml, write_json
from .run_directory import (
    CONFIG,
    METRICS,
    SUMMARY,
    is_finished,
    learner_config,
    prepare_learner,
    save_learner,
    start_config,
)

if TYPE_CHECKING:
    from .clip import Clip
    from .data import ClipDataset, Symmetries
    from .learners.base import Learner


@dataclass
class TrainingConfig:
    """How to train.

    Attributes:
        steps: optimiser steps.
        flops: if positive, ``steps`` is not read: as many steps are taken as fit into this many floating-point
            operations of loss and backward pass, so that learners of different cost get the same compute.
        batch_size: clips per micro-batch.
        accumulate: micro-batches per optimiser step; their gradients are averaged.
        learning_rate: peak of the schedule: linear warm-up, then cosine to ``final_learning_rate``.
        final_learning_rate: end of the schedule.
        warmup: fraction of the steps that warm up.
        weight_decay: AdamW's, on matrices and kernels only: not on norms, biases, layer scales and queries.
        beta1, beta2: AdamW's moments.
        clip_norm: largest gradient norm; 0 switches clipping off.
        precision: Lightning's name: ``32-true``, ``bf16-mixed``, ``16-mixed``.
        window_stride: distance between the starts of training windows.
        shift: shift every clip along periodic axes at random, an exact symmetry.
        mirrors: axes to mirror at random; only those that the equations allow (`physrep list systems`).
        boost: velocity field for random Galilean boosts, e.g. ``velocity``; empty for none.
        rescale: passive fields to rescale and offset at random, e.g. ``[tracer]``.
        swap: exchange the two axes at random, with the components of vectors and tensors.
        checkpoint_every: steps between checkpoints.
        log_every: steps between rows of metrics.csv.
        probe_every: steps between online probes (ridge on a few frozen windows; labels are only read for the log).
        select: ``last`` weights, or those of the ``best`` validation loss (supervised training).
        loggers: ``tensorboard``, ``wandb``; metrics.csv is always written.
        threads: threads of torch on a CPU; default all cores.
    """

    steps: int = 1000
    flops: float = 0.0
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-6
    warmup: float = 0.1
    weight_decay: float = 0.05
    beta1: float = 0.9
    beta2: float = 0.95
    clip_norm: float = 1.0
    precision: str = "32-true"
    window_stride: int = 1
    shift: bool = False
    mirrors: list[str] = field(default_factory=list)
    boost: str = ""
    rescale: list[str] = field(default_factory=list)
    swap: bool = False
    checkpoint_every: int = 100
    log_every: int = 10
    probe_every: int = 100
    select: str = "last"
    loggers: list[str] = field(default_factory=list)
    threads: int | None = None

    def check(self) -> None:
        """Refuse values that cannot work."""
        for name in ("steps", "batch_size", "accumulate", "checkpoint_every", "log_every", "window_stride"):
            if getattr(self, name) < 1:
                raise PhysrepError(f"training.{name} is {getattr(self, name)}; it must be at least 1.")
        if self.flops < 0:
            raise PhysrepError(f"training.flops is {self.flops}; give operations, e.g. 1.0e14, or 0 to count steps.")
        if self.learning_rate <= 0:
            raise PhysrepError(f"training.learning_rate is {self.learning_rate}; it must be positive.")
        if self.select not in ("last", "best"):
            raise PhysrepError(f"training.select is {self.select!r}; give 'last' or 'best'.")


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
    start: str | None = None,
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
        devices: number of GPUs or of processes (DDP).
        label: name shown with the progress.
        start: run directory whose weights the learner starts from: all of them for the ``base`` of a fine-tuned
            learner, else those of the encoder.

    Returns:
        The run directory.

    Raises:
        PhysrepError: bad settings or data, or ``out`` holds a run with other settings.
    """
    import torch

    from .learners.base import Learner

    out, training = Path(out), training or TrainingConfig()
    training.check()
    train = data.open("train")
    config = learner_config(learner, options or {}, num_frames, train, parameter_scales(train, scales), data, seed)
    config["training"] = asdict(training)
    if start is not None:
        config["start"] = start_config(start)
    _claim(out, config)
    if is_finished(out):
        return out
    if training.threads:
        torch.set_num_threads(training.threads)
    module = prepare_learner(config, train)
    if not isinstance(module, Learner) or not module.trainable:
        raise PhysrepError(f"learner {learner!r} has nothing to train; use `physrep bench` or `physrep embed` for it.")
    from .costs import PeakMemory
    from .training_loop import fit

    started = time.monotonic()
    flops = _flops_per_clip(module, train, data, training.batch_size)
    clips_per_step = training.batch_size * training.accumulate * max(devices, 1)
    if training.flops:
        training = replace(training, steps=max(1, round(training.flops / (flops * clips_per_step))))
    with PeakMemory(device) as memory:
        seconds = fit(module, train, data, config, training, out, device, devices, label or learner)
    save_learner(out, module, config)
    write_json(
        out / SUMMARY,
        {
            "learner": learner,
            "parameters": sum(p.numel() for p in module.parameters() if p.requires_grad),
            "clips_seen": training.steps * clips_per_step,
            "frames_per_clip": module.train_frames,
            "flops": flops * training.steps * clips_per_step,
            "peak_memory": memory.peak,
            "steps": training.steps,
            "seconds": round(seconds, 1),
            "seconds_this_call": round(time.monotonic() - started, 1),
        },
    )
    return out


def _flops_per_clip(module: Learner, train: ClipDataset, data: DataConfig, batch_size: int) -> float:
    """Operations per training clip, measured before training starts: on two clips if the loss takes so few."""
    from .costs import training_flops

    frames = module.train_frames // 2 if module.pairing == "any" else module.train_frames
    error = None
    for clips in (2, batch_size):
        stream = WindowStream(train, module.train_frames, data.frame_step, clips, 0, frames, pairing=module.pairing)
        try:
            return training_flops(module, stream.batch(0))
        except PhysrepError as refusal:
            error = refusal
    assert error is not None
    raise error


def _claim(out: Path, config: Mapping[str, Any]) -> None:
    """Refuse to continue a run that has other settings."""
    from .files import write_yaml

    if (out / CONFIG).exists():
        stored = read_yaml(out / CONFIG)
        if isinstance(stored.get("training"), dict):
            # Settings that are newer than the run have their defaults there: that is how it was trained.
            stored["training"] = {**asdict(TrainingConfig()), **stored["training"]}
        different = sorted(k for k in {*stored, *config} if k != "physrep" and stored.get(k) != config.get(k))
        if different:
            raise PhysrepError(f"{out}: holds a run with another {', '.join(different)}; choose another --out.")
    else:
        write_yaml(out / CONFIG, dict(config))


class WindowStream:
    """Micro-batches of windows: an endless walk over all training windows, reshuffled on every pass.

    Micro-batch ``i`` is a pure function of ``(seed, i)``. One batch is read ahead in a thread.

    Args:
        dataset: source of clips.
        frames, frame_step: of a window.
        batch_size: clips per micro-batch.
        seed: of order and augmentation.
        stride: distance between the starts of windows.
        symmetries: augmentation.
        pairing: ``next``: a window is ``frames`` in a row. ``any``: it is two windows of half as many frames from
            anywhere in one trajectory, each with its own symmetry.
        rank, world: this process's share when several train together.
    """

    def __init__(
        self,
        dataset: ClipDataset,
        frames: int,
        frame_step: int,
        batch_size: int,
        seed: int,
        stride: int = 1,
        symmetries: Symmetries | None = None,
        pairing: str = "next",
    ) -> None:
        self.pairing = pairing
        self.dataset, self.frames, self.frame_step = dataset, frames, frame_step
        self.batch_size, self.seed, self.symmetries = batch_size, seed, symmetries
        self.rank, self.world = 0, 1
        self.frames_in_row = frames // 2 if pairing == "any" else frames
        self.windows = dataset.windows(self.frames_in_row, stride, frame_step)
        self.first, self.count = 0, 0
        self._pass: tuple[int, np.ndarray] = (-1, np.empty(0, dtype=np.int64))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Clip]:
        numbers = range(self.first, self.first + self.count)
        with ThreadPoolExecutor(1) as reader:
            ahead = None
            for number in numbers:
                current = ahead if ahead is not None else reader.submit(self.batch, number)
                ahead = reader.submit(self.batch, number + 1) if number + 1 < numbers.stop else None
                yield current.result()

    def batch(self, number: int) -> Clip:
        """Micro-batch ``number``."""
        import torch

        first = (number * self.world + self.rank) * self.batch_size
        rows = [self._row(position) for position in range(first, first + self.batch_size)]
        generator = np.random.default_rng([self.seed, 1, number, self.rank])
        windows, read = self.windows[rows], self.dataset.clip
        first_view = read(windows, self.frames_in_row, self.frame_step, self.symmetries, generator)
        if self.pairing == "next":
            return first_view
        latest = self.dataset.lengths[windows[:, 0]] - (self.frames_in_row - 1) * self.frame_step
        others = np.stack([windows[:, 0], generator.integers(latest)], 1)
        second_view = read(others, self.frames_in_row, self.frame_step, self.symmetries, generator)
        return replace(first_view, fields=torch.cat([first_view.fields, second_view.fields], 2))

    def _row(self, position: int) -> int:
        number, offset = divmod(position, len(self.windows))
        if self._pass[0] != number:
            order = np.random.default_rng([self.seed, 0, number]).permutation(len(self.windows))
            self._pass = (number, order)
        return int(self._pass[1][offset])


def read_metrics(run: str | Path) -> list[dict[str, str]]:
    """Rows of a run's metrics.csv."""
    import csv

    path = Path(run) / METRICS
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))

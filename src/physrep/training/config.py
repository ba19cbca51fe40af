"""How a learner is trained: schedule, augmentation, logging."""

from __future__ import annotations

from dataclasses import dataclass

from ..ranges import check_ranges, setting
from ..renamed import takes_former_names

PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
LOGGERS = ("tensorboard", "wandb")


@takes_former_names
@dataclass
class TrainingConfig:
    """How to train.

    Attributes:
        steps: optimiser steps.
        flops: if positive, ``steps`` is not read: as many steps are taken as fit into this many floating-point
            operations of loss and backward pass, so that learners of different cost get the same compute.
        batch_size: clips per micro-batch.
        accumulate_grad_batches: micro-batches per optimiser step; their gradients are averaged.
        learning_rate: peak of the schedule: linear warm-up, then cosine to ``final_learning_rate``.
        final_learning_rate: end of the schedule.
        warmup: fraction of the steps that warm up.
        weight_decay: AdamW's, on matrices and kernels only: not on norms, biases, layer scales and queries.
        beta1, beta2: AdamW's moments.
        gradient_clip_val: largest gradient norm; 0 switches clipping off.
        precision: of the operations: ``32-true``, ``bf16-mixed``, ``16-mixed``.
        window_stride: distance between the starts of training windows.
        frame_steps: multiples of ``data.frame_step`` that training windows have in turn, one per micro-batch; of a JEPA
            that compares windows from anywhere also the two windows of a pair differ. Default the data's alone.
        coarsen: points per pixel that micro-batches are averaged to in turn; default as stored.
        online: trajectories per block that worker processes simulate while training, as those of the data set were but
            drawn afresh; 0 trains on the stored ones. Of a learner that is fitted in closed form it is not read.
        online_clips: clips that each of them gives.
        online_workers: processes that simulate; the result does not depend on it.
        shift: shift every clip along periodic axes at random, an exact symmetry.
        flip: axes to mirror at random; only those that the equations allow (`physrep list systems`).
        boost: velocity field for random Galilean boosts, e.g. ``velocity``; empty for none.
        rescale: passive fields to rescale and offset at random, e.g. ``[tracer]``.
        transpose: exchange the two axes at random, with the components of vectors and tensors.
        checkpoint_every: steps between checkpoints.
        log_every: steps between rows of metrics.csv.
        probe_every: steps between online probes (ridge on a few frozen windows; labels are only read for the log).
        select: ``last`` weights, or those of the ``best`` validation loss (supervised training).
        loggers: ``tensorboard``, ``wandb``; metrics.csv is always written.
        threads: threads of torch on a CPU; default all cores.
    """

    steps: int = setting(1000, at_least=1, at_most=10**9)
    flops: float = setting(0.0, at_least=0, at_most=1e30)
    batch_size: int = setting(32, at_least=1, at_most=10**6)
    accumulate_grad_batches: int = setting(1, at_least=1, at_most=10**6)
    learning_rate: float = setting(1e-3, above=0, at_most=1e3)
    final_learning_rate: float = setting(1e-6, at_least=0, at_most=1e3)
    warmup: float = setting(0.1, at_least=0, at_most=1)
    weight_decay: float = setting(0.05, at_least=0, at_most=1e3)
    beta1: float = setting(0.9, at_least=0, below=1)
    beta2: float = setting(0.95, at_least=0, below=1)
    gradient_clip_val: float = setting(1.0, at_least=0, at_most=1e9)
    precision: str = setting("32-true", choices=PRECISIONS)
    window_stride: int = setting(1, at_least=1, at_most=10**6)
    frame_steps: list[int] = setting(factory=list, unique=True, at_least=1, at_most=10**6)
    coarsen: list[int] = setting(factory=list, unique=True, at_least=1, at_most=10**6)
    online: int = setting(0, at_least=0, at_most=10**6)
    online_clips: int = setting(1, at_least=1, at_most=10**6)
    online_workers: int = setting(1, at_least=1, at_most=1024)
    shift: bool = False
    flip: list[str] = setting(factory=list, unique=True)
    boost: str = ""
    rescale: list[str] = setting(factory=list, unique=True)
    transpose: bool = False
    checkpoint_every: int = setting(100, at_least=1, at_most=10**9)
    log_every: int = setting(10, at_least=1, at_most=10**9)
    probe_every: int = setting(100, at_least=0, at_most=10**9)
    select: str = setting("last", choices=("last", "best"))
    loggers: list[str] = setting(factory=list, unique=True, choices=LOGGERS)
    threads: int | None = setting(None, at_least=1, at_most=1024)

    def check(self, where: str = "training") -> None:
        """Refuse values that cannot work."""
        check_ranges(self, where)

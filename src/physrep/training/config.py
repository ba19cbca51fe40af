"""How a learner is trained: schedule, augmentation, logging."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import PhysrepError


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

"""What is written while a learner trains: metrics.csv, loggers, the online probe, and the best weights so far."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from torch import Tensor

from ..data import ClipDataset
from ..errors import PhysrepError
from ..learners.base import Learner
from .config import TrainingConfig
from .log import read_metrics, write_metrics
from .loggers import build_loggers
from .online_probe import OnlineProbe, validation_loss
from .schedule import learning_rate_factor
from .state import State


class Record:
    """Rows of metrics.csv; use as a context manager, which closes the loggers.

    Args:
        out: run directory.
        training: how often to log and to probe.
        probe: the online probe, or None.
        valid: validation split if the weights with the lowest loss on it are wanted.
        first: whether this process writes; the others check their losses only.
        state: where the training continues, or None.

    Attributes:
        best: lowest validation loss and its step.
        best_weights: the weights of that step.
    """

    def __init__(
        self,
        out: Path,
        training: TrainingConfig,
        probe: OnlineProbe | None,
        valid: ClipDataset | None,
        first: bool,
        state: State | None,
    ) -> None:
        self.out, self.training, self.probe, self.valid, self.first = out, training, probe, valid, first
        self.rows: list[dict[str, Any]] = []
        self.best: tuple[float, int] = (math.inf, 0)
        self.best_weights: dict[str, Tensor] = {}
        self.seconds = 0.0
        if state is not None:
            self.rows = [row for row in read_metrics(out) if int(row["step"]) <= state.step]
            self.best, self.best_weights, self.seconds = state.best, state.best_weights, state.seconds
        self.loggers = build_loggers(training.loggers, out) if first else []
        self._started = time.monotonic()

    def __enter__(self) -> Record:
        self._started = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        for logger in self.loggers:
            logger.close()

    def elapsed(self) -> float:
        """Seconds of training in all."""
        return self.seconds + time.monotonic() - self._started

    def log(self, step: int, values: dict[str, float], learner: Learner) -> None:
        """A row after ``step`` steps.

        Raises:
            PhysrepError: a value that is not finite.
        """
        for name, value in values.items():
            if not math.isfinite(value):
                raise PhysrepError(
                    f"{self.out}: {name} is {value} at step {step}; lower training.learning_rate, then train again "
                    "(parameters, trajectory and start are hidden from a learner whose needs_labels is False)."
                )
        if not self.first:
            return
        training = self.training
        rate = training.learning_rate * learning_rate_factor(step, training)
        row: dict[str, Any] = {"step": step, **values, "lr": rate, "seconds": round(self.elapsed(), 2)}
        if self.probe is not None and (step % training.probe_every == 0 or step == training.steps):
            row |= self.probe.measure(learner)
        self.rows.append(row)
        for logger in self.loggers:
            logger.log({name: value for name, value in row.items() if name != "step"}, step)

    def validate(self, step: int, learner: Learner, frame_step: int) -> None:
        """Keep the weights if their loss on valid is the lowest so far; nothing if the last weights are wanted."""
        if self.valid is None:
            return
        value = validation_loss(learner, self.valid, frame_step)
        self.rows.append({"step": step, "valid_loss": value})
        if value < self.best[0]:
            self.best = (value, step)
            self.best_weights = {name: v.detach().cpu().clone() for name, v in learner.state_dict().items()}

    def write(self) -> None:
        """Replace metrics.csv."""
        write_metrics(self.out, self.rows)

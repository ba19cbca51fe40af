"""What one training does, for this process or for those that train together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data.config import DataConfig
from .config import TrainingConfig


@dataclass(frozen=True)
class Work:
    """The arguments of `physrep.training.loop.fit` that can be sent to another process.

    Attributes:
        data: the view of the training split; its validation split is opened.
        config: of the run; seed and scales of parameters are read.
        training: schedule, augmentation, logging.
        out: run directory.
        kind: of device, ``cpu`` or ``cuda``.
        label: shown with the progress.
    """

    data: DataConfig
    config: Mapping[str, Any]
    training: TrainingConfig
    out: Path
    kind: str
    label: str

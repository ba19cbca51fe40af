"""Can an encoder of others be fed, and what does one batch tell of it?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..data.config import DataConfig
from ..run_directory import build_learner, learner_config, prepare_learner
from ..training.clip_shape import ClipShape

FROZEN = "physrep.checkpoints.frozen_encoder:FrozenEncoder"


@dataclass(frozen=True)
class Measured:
    """What one batch told of the encoder: tokens per window and their width, and seconds per window."""

    tokens: int
    width: int
    seconds: float


@torch.no_grad()
def feed_batch(options: Mapping[str, Any], data: DataConfig, num_frames: int) -> Measured:
    """Feed one real batch: what the encoder gives, and how long it takes (of two calls the second).

    Raises:
        PhysrepError: it cannot be fed.
    """
    train = data.open("train")
    settings = learner_config(FROZEN, options, num_frames, train, {}, data, 0)
    learner = prepare_learner(settings, train).eval()
    windows = train.windows(num_frames, num_frames, data.frame_step)[:4]
    clip = train.clip(windows, num_frames, data.frame_step)
    tokens = learner.encode(clip)
    started = time.perf_counter()
    learner.encode(clip)
    return Measured(tokens.shape[1], tokens.shape[2], (time.perf_counter() - started) / len(windows))


@torch.no_grad()
def try_encoder(options: Mapping[str, Any], shape: ClipShape, num_frames: int) -> None:
    """Feed two clips of random numbers, so that an encoder that cannot be fed is known before data are simulated.

    Args:
        options: as in `score`.
        shape: of the clips that are to come.
        num_frames: frames per window.

    Raises:
        PhysrepError: it cannot be built or fed.
    """
    settings = {
        "learner": FROZEN, "options": {key: value for key, value in options.items() if value is not None},
        "in_channels": len(shape.channels), "num_frames": num_frames, "system": shape.system,
        "parameters": dict.fromkeys(shape.parameters, "linear"),
    }  # fmt: skip
    learner = build_learner(settings).eval()
    learner.set_normalisation(shape.channels, [0.0] * len(shape.channels), [1.0] * len(shape.channels))
    learner.encode(shape.clip(num_frames, shape.points, "cpu"))

"""How much pretraining fits into a time."""

from __future__ import annotations

import math
import re
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import PhysrepError
from ..training.schedule import takes_fused
from ..training.stream import WindowStream

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners.base import Learner

FEWEST, MOST = 100, 20_000
"""Optimiser steps below which pretraining is not worth it, and above which it is not continued."""

SHARE = 0.8
"""Of the time that is left for training: the rest is for a machine that slows down a little."""

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}


def seconds_of(text: str | float) -> float:
    """A time as seconds: ``90``, ``90s``, ``10m``, ``1.5h``.

    Raises:
        PhysrepError: another text, or a negative number.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([smh]?)\s*", str(text))
    if not found:
        raise PhysrepError(f"--budget {text!r} is no time; write for example 90s, 10m or 1.5h.")
    return float(found.group(1)) * UNITS[found.group(2) or "s"]


ENCODER_OF_AXES = {1: "conv2d", 2: "conv3d", 3: "conv4d"}
"""Name of the encoder that is pretrained, by the number of axes of space."""


def encoder_settings(shape: tuple[int, ...], frames: int) -> dict[str, Any]:
    """Options of the encoder of `ENCODER_OF_AXES` for this grid: each of three stages halves what can be halved."""
    strides = []
    size = [frames, *shape]
    for _ in range(3):
        stride = [2 if n >= least else 1 for n, least in zip(size, (2, *[8] * len(shape)), strict=True)]
        size = [math.ceil(n / s) for n, s in zip(size, stride, strict=True)]
        strides.append(stride)
    return {"dims": [32, 64, 128], "strides": strides, "groups": 32}


def steps_within(
    learner: Learner, train: ClipDataset, seconds: float, batch_size: int, frame_step: int, windows: int
) -> int:
    """How many optimiser steps fit into a time that also has to hold the embedding, measured on three of either.

    Args:
        learner: a copy that may be spoiled.
        train: training clips.
        seconds: the time.
        batch_size: clips per step.
        frame_step: distance between the frames of a window.
        windows: that will be embedded.
    """
    import torch

    stream = WindowStream.plain(learner, train, frame_step, batch_size)
    trainable = [p for p in learner.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(trainable, lr=0.0, fused=takes_fused(learner))
    learner.train()
    step, encoding = [], []
    for number in range(3):
        clip = stream.batch(number)
        started = time.monotonic()
        learner.loss(clip)["loss"].backward()
        optimiser.step()
        optimiser.zero_grad()
        step.append(time.monotonic() - started)
    learner.eval()
    for number in range(3):
        clip = stream.batch(number)
        # What a loss reads may be longer than what is encoded, as two windows of the JEPA are.
        clip = replace(clip, fields=clip.fields[:, :, : learner.num_frames])
        started = time.monotonic()
        with torch.inference_mode():
            learner.encode(clip)
        encoding.append(time.monotonic() - started)
    # The first of either is slower than those that follow.
    left = seconds - min(encoding[1:]) * windows / batch_size
    return min(MOST, max(0, int(left * SHARE / max(min(step[1:]), 1e-6))))

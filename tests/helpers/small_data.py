"""A small data set of decaying sine waves, in The Well's format: real files, made in milliseconds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from physrep.data import assign_splits, select_trajectories, write_stats, write_well
from physrep.systems import Trajectories

N, FRAMES, SHAPE = 24, 20, (16, 16)


def decaying_waves(n: int = N, frames: int = FRAMES, seed: int = 0) -> Trajectories:
    """``s = sin(k x + phase) exp(-rate t)`` and its velocity, with a rate drawn log-uniformly in [0.1, 2]."""
    generator = torch.Generator().manual_seed(seed)
    rate = torch.exp(torch.rand(n, generator=generator, dtype=torch.float64) * math.log(20) + math.log(0.1))
    phase = torch.rand(n, generator=generator, dtype=torch.float64) * 2 * math.pi
    x = torch.arange(SHAPE[0], dtype=torch.float64) / SHAPE[0]
    time = 0.1 * torch.arange(frames, dtype=torch.float64)
    wave = (
        torch.sin(2 * math.pi * x[None, None, :] + phase[:, None, None]) * torch.exp(-rate[:, None] * time)[..., None]
    )
    tracer = wave[..., None].expand(*wave.shape, SHAPE[1]).contiguous()
    noise = 0.01 * torch.randn(tracer.shape, generator=generator, dtype=torch.float64)
    velocity = torch.stack([tracer.roll(1, 2) + noise, tracer.roll(3, 3) - noise], -1)
    return Trajectories(
        system="waves",
        fields={"tracer": (tracer + noise).float(), "velocity": velocity.float()},
        parameters={"rate": rate},
        time=time,
        coordinates={"x": x, "y": x},
        periodic=(True, True),
    )


def write_waves(root: Path, n: int = N, frames: int = FRAMES) -> Path:
    """Write the data set ``root/waves`` and return its folder."""
    whole = decaying_waves(n, frames)
    splits = assign_splits(n, 0, (0.6, 0.2, 0.2))
    for split in ("train", "valid", "test"):
        rows = [i for i, own in enumerate(splits) if own == split]
        write_well(root / "waves" / "data" / split / "waves_0000.hdf5", select_trajectories(whole, rows))
    write_stats(root / "waves")
    return root / "waves"


TINY_ENCODER = {
    "encoder": "conv3d",
    "encoder_options": {"dims": [8, 16], "strides": [[2, 2, 2], [2, 2, 2]], "groups": 4},
}
"""Options of a learner whose encoder trains in milliseconds."""


def waves_bench(data: Path, steps: int, runs: list[dict[str, Any]], **others: Any) -> dict[str, Any]:
    """Settings of a benchmark of seconds on `write_waves`, as a YAML file holds them.

    Args:
        data: folder of the data set.
        steps: of training, with about three checkpoints and lines of the log.
        runs: of the benchmark.
        others: further settings, or others in place of these.
    """
    often = -(-steps // 3)
    training = {"steps": steps, "batch_size": 4, "checkpoint_every": often, "log_every": often, "probe_every": 0}
    return {
        "system": "waves", "data": {"path": str(data)}, "num_frames": 4, "eval_stride": 4, **TINY_ENCODER,
        "training": training, "runs": runs, "n_resamples": 50, "jobs": 1, **others,
    }  # fmt: skip

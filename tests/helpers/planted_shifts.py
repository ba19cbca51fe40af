"""Encoders whose answer to every shift is known, and a small finished benchmark of them."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from torch import Tensor

from physrep.analyses import Context, FrozenRun
from physrep.clip import Clip
from physrep.data import assign_splits, select_trajectories, write_stats, write_well
from physrep.data.config import DataConfig
from physrep.errors import PhysrepError
from physrep.learners.baselines import Untrained
from physrep.run_directory import learner_config, prepare_learner, save_learner
from physrep.systems import Trajectories
from physrep.tokens import LabelScaler, embed_splits

FRAMES, STRIDE, POINTS, LENGTH = 4, 4, 8, 12
SCALES = {"first": "linear", "second": "linear"}
KNEE = 0.78
"""Above it the piecewise token answers with another feature; train labels are uniform in [0, 1]."""


class Planted(Untrained):
    """An encoder by name: ``truth``, ``one_channel``, ``piecewise``, ``plane``, ``roughness`` or ``one_size``."""

    def __init__(self, in_channels: int, num_frames: int = FRAMES, kind: str = "truth") -> None:
        super().__init__(in_channels, num_frames)
        self.plant, self.embed_dim = kind, 4

    def encode(self, clip: Clip) -> Tensor:
        x = self.fields(clip, self.num_frames)
        truth = clip.parameters.float().to(x)
        if self.plant == "truth":
            return truth[:, None]
        if self.plant == "piecewise":
            first = truth[:, :1]
            bend = (first - KNEE).clamp(min=0)
            return torch.cat([first - 5 * bend, bend, truth[:, 1:]], 1)[:, None]
        if self.plant == "plane":
            corner = (truth - 0.58).clamp(min=0).prod(1, keepdim=True)
            return torch.cat([truth - 10 * corner, corner], 1)[:, None]
        if self.plant == "roughness":
            return (x - x.roll(1, 3)).square().mean((2, 3, 4)).sqrt()[:, None]
        if self.plant == "one_size" and x.shape[3] != POINTS:
            raise PhysrepError("one_size reads 8x8 points only")
        mean = x.mean((2, 3, 4))
        return (mean[:, :1] if self.plant == "one_channel" else mean)[:, None]


def planted_fields(n: int) -> Trajectories:
    """``a = first + ripples``, ``b = second + ripples``: ripples of one wavelength, whose height is ``1 + first``."""
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, n, generator=generator, dtype=torch.float64)
    phase = torch.rand(n, generator=generator, dtype=torch.float64) * 2 * math.pi
    x = torch.arange(POINTS, dtype=torch.float64) / POINTS
    ripple = torch.sin(2 * math.pi * x + phase[:, None])[:, None, :, None].expand(n, LENGTH, POINTS, POINTS)
    height = (1 + first)[:, None, None, None]
    return Trajectories(
        system="planted",
        fields={
            "a": (first[:, None, None, None] + 0.2 * height * ripple).float(),
            "b": (second[:, None, None, None] + 0.2 * height * ripple.transpose(2, 3)).float(),
        },
        parameters={"first": first, "second": second},
        time=0.1 * torch.arange(LENGTH, dtype=torch.float64),
        coordinates={"x": x, "y": x},
        periodic=(True, True),
    )


def write_planted(root: Path, n: int = 300) -> Path:
    """Write the data set and return its folder."""
    whole, splits = planted_fields(n), assign_splits(n, 0, (0.6, 0.2, 0.2))
    for split in ("train", "valid", "test"):
        rows = [i for i, own in enumerate(splits) if own == split]
        write_well(root / "planted" / "data" / split / "planted_0000.hdf5", select_trajectories(whole, rows))
    write_stats(root / "planted")
    return root / "planted"


def context(data: Path, out: Path, kinds: tuple[str, ...], scales: dict[str, str] | None = None) -> Context:
    """A finished benchmark of planted encoders: run directories and tokens."""
    config = DataConfig(path=str(data))
    splits = config.open_splits()
    train = splits["train"]
    scales = SCALES if scales is None else scales
    runs = []
    for kind in kinds:
        folder = out / "runs" / f"{kind}-s0"
        settings = learner_config(
            "tests.helpers.planted_shifts:Planted", {"kind": kind}, FRAMES, train, scales, config, 0
        )
        learner = prepare_learner(settings, train)
        save_learner(folder, learner, settings)
        embed_splits(learner.eval(), splits, folder / "tokens", stride=STRIDE)
        runs.append(FrozenRun(f"{kind}-s0", kind, "planted", "none", 0, "learner", folder))
    scaler = LabelScaler.fit(train.parameters, train.parameter_names, scales)
    return Context(
        splits["train"].dataset_name, config, splits, scaler, FRAMES, STRIDE, runs, {"ridge": {}}, out, n_resamples=100
    )

"""Test error of a run of operator discovery on clean and on noisy windows, with all labels and with those of 10.

A ridge probe is fitted on clean tokens of training trajectories, its penalty chosen on clean valid ones. White noise,
in units of each channel's standard deviation, is added to test windows alone. Scores are mean squared errors of the
z-scored parameters (of their logarithm with --log), per trajectory over its windows; 95 % intervals over
trajectories. Windows of a trajectory are joined if the run does so (``join_windows``).

    python benchmarks/operator_noise.py RUN [--log] [--stride 14] [--labelled 400]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

import physrep
from physrep.clip import Clip
from physrep.data import ClipDataset
from physrep.learners import Learner, OperatorDiscovery
from physrep.learners.joined import encode_trajectories, trajectory_batches
from physrep.run_directory import run_data

LEVELS = (0.0, 0.01, 0.2)
FEW = 10
BATCH = 48
DRAWS = 1000


def windows_of(data: ClipDataset, frames: int, stride: int, most: int | None, step: int = 1) -> tuple[np.ndarray, int]:
    """Windows of the first trajectories, and how many each has."""
    windows = data.windows(frames, stride, step)
    present = np.unique(windows[:, 0])[:most]
    windows = windows[np.isin(windows[:, 0], present)]
    return windows, len(windows) // len(present)


def noisy(learner: Learner, data: ClipDataset, windows: np.ndarray, level: float, step: int = 1) -> Iterator[Clip]:
    """Batches of these windows with white noise."""
    draw = torch.Generator().manual_seed(1)
    scale = learner.field_std.float().view(1, -1, 1, 1, 1)
    for batch in trajectory_batches(learner, windows, BATCH):
        clip = data.clip(batch, learner.num_frames, step)
        noise = level * scale * torch.randn(clip.fields.shape, generator=draw) if level else 0.0
        yield replace(clip, fields=clip.fields + noise)


@torch.no_grad()
def tokens_of(
    learner: Learner, data: ClipDataset, stride: int, level: float = 0.0, most: int | None = None, step: int = 1
) -> tuple[Tensor, Tensor, int]:
    """Tokens and parameters of every window, and the windows per trajectory."""
    windows, each = windows_of(data, learner.num_frames, stride, most, step)
    batches = noisy(learner, data, windows, level, step)
    pairs = [(encode_trajectories(learner, clip), clip.parameters.double()) for clip in batches]
    tokens, parameters = zip(*pairs, strict=True)
    return torch.cat(tokens), torch.cat(parameters), each


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--log", action="store_true", help="score logarithms of the parameters")
    parser.add_argument("--stride", type=int, default=14)
    parser.add_argument("--labelled", type=int, default=400, help="labelled training trajectories")
    options = parser.parse_args()
    learner, config = physrep.load_run(options.run)
    assert isinstance(learner, OperatorDiscovery)
    data = run_data(config).open_splits()
    x, y, each = tokens_of(learner, data["train"], options.stride, most=options.labelled)
    x_valid, y_valid, _ = tokens_of(learner, data["valid"], options.stride)
    y, y_valid = (v.log() if options.log else v for v in (y, y_valid))
    mean, std = y.mean(0), y.std(0)
    z, z_valid = ((v - mean).div(std).float() for v in (y, y_valid))
    few = FEW * each
    probes = {
        "all": physrep.RidgeProbe().fit(x, z, x_valid, z_valid),
        str(FEW): physrep.RidgeProbe().fit(x[:few], z[:few], x_valid[:few], z_valid[:few]),
    }
    print("noise  labelled  test MSE of each parameter, mean [95 %], trajectories")
    for level in LEVELS:
        x_test, y_test, _ = tokens_of(learner, data["test"], options.stride, level)
        z_test = ((y_test.log() if options.log else y_test) - mean) / std
        for name, probe in probes.items():
            error = (probe.predict(x_test).double() - z_test).unflatten(0, (-1, each)).mean(1).square()
            own, n = error.mean(1), len(error)
            draws = torch.randint(n, (DRAWS, n), generator=torch.Generator().manual_seed(0))
            low, high = own[draws].mean(1).quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
            each_one = "  ".join(f"{v:.2g}" for v in error.mean(0).tolist())
            print(f"{level:<6} {name:<9} {each_one}  {float(own.mean()):.2g} [{low:.2g}, {high:.2g}]  {n}", flush=True)


if __name__ == "__main__":
    main()

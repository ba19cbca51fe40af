"""Does pretraining find a parameter that was planted? Heat conduction with one unknown diffusivity, every paradigm.

384 simulated fields of heat on 16 x 16 points, the diffusivity log-uniform over two decades. Each learner is
trained for some hundred steps without labels; ridge regression on its frozen tokens (256 to fit, 64 to choose the
penalty, 64 to score) is compared with the same on its own random weights. Scores are MSE over variance: 1 is a
constant.

    python benchmarks/planted_heat.py [--steps 1000] [--learners operator disco]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from torch import Tensor

from physrep.clip import Clip
from physrep.learners import LEARNERS, Learner
from physrep.probes import RidgeProbe
from physrep.systems import SYSTEMS

COUNT, TRAIN, VALID, FRAMES, WINDOW = 384, 256, 64, 20, 8
CONV = {"encoder": "conv3d", "encoder_options": {"dims": (16, 32), "strides": ((2, 2, 2), (2, 2, 2)), "groups": 16}}
VIT = {
    "encoder": "vit3d",
    "encoder_options": {"patch": (2, 4, 4), "embed_dim": 48, "depth": 2, "num_heads": 3},
}
CLIPS = {**CONV, "level": "clip", "target": "random", "projector": (64, 32)}
MAE = {
    "patch": 4, "embed_dim": 48, "depth": 2, "num_heads": 3, "decoder_dim": 24, "decoder_depth": 1, "decoder_heads": 2,
    "mask_ratio": 0.75,
}  # fmt: skip
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "jepa, tokens": ("jepa", CONV),
    "jepa, clips": ("jepa", {**CLIPS, "regulariser": {"sim": 5, "std": 25, "cov": 5}}),
    "jepa, sigreg": ("jepa", {**CLIPS, "regulariser": "sigreg"}),
    "masked_jepa": ("masked_jepa", {**VIT, "momentum": 0.98}),
    "masked_pixels, normalised": ("masked_pixels", {**VIT, "normalise_targets": True}),
    "masked_pixels": ("masked_pixels", VIT),
    "next_frame": ("next_frame", CONV),
    "operator": ("operator", {**CONV, "target": "random", "width": 16, "method": "midpoint", "levels": 0}),
    "videomae": ("videomae", MAE),
    "mpp": ("mpp", {"patch": 4, "embed_dim": 48, "depth": 2, "num_heads": 3, "layer_scale": 0.1}),
    "disco": (
        "disco",
        {"size": "light", "patch": 4, "dim": 48, "blocks": 2, "hidden": 8, "start": 4, "depth": 2, "solver": "rk4"},
    ),
}


class Heat:
    """The simulated fields, z-scored, and the standardised logarithm of their diffusivity."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        exponent = -4 + 2 * torch.rand(COUNT, generator=generator, dtype=torch.float64)
        found = SYSTEMS["heat"].simulate(
            {"diffusivity": 10**exponent}, list(range(COUNT)), resolution=(16, 16), frames=FRAMES, save_dt=0.25
        )
        fields = found.fields["temperature"].float()
        self.fields = (fields - fields.mean()) / fields.std()
        self.labels = (exponent.float()[:, None] + 3) * 3**0.5

    def clip(self, rows: Tensor, starts: Tensor, frames: int) -> Clip:
        """Windows of given trajectories."""
        parts = [self.fields[i, s : s + frames] for i, s in zip(rows.tolist(), starts.tolist(), strict=True)]
        x = torch.stack(parts).unsqueeze(1)
        spacing = (1 / 16, 1 / 16)
        return Clip(x, self.labels[rows], ("temperature",), ("x",), 0.25, spacing, (True, True), rows, starts)

    def batch(self, learner: Learner, generator: torch.Generator, size: int = 32) -> Clip:
        """A training batch as the learner wants it."""
        rows = torch.randint(TRAIN, (size,), generator=generator)
        frames = WINDOW if learner.target == "random" else learner.train_frames
        clip = self.clip(rows, torch.randint(FRAMES - frames + 1, (size,), generator=generator), frames)
        if learner.target == "random":
            other = self.clip(rows, torch.randint(FRAMES - frames + 1, (size,), generator=generator), frames)
            clip.fields = torch.cat([clip.fields, other.fields], 2)
        return clip

    @torch.no_grad()
    def score(self, learner: Learner) -> float:
        """Test MSE of ridge on frozen tokens over the variance of the labels."""
        learner.eval()
        splits = [(0, TRAIN), (TRAIN, TRAIN + VALID), (TRAIN + VALID, COUNT)]
        rows = [torch.arange(*split) for split in splits]
        tokens = [learner.encode(self.clip(part, torch.full_like(part, 4), WINDOW)).float() for part in rows]
        labels = [self.labels[part] for part in rows]
        learner.train()
        probe = RidgeProbe().fit(tokens[0], labels[0], tokens[1], labels[1])
        return float((probe.predict(tokens[2]) - labels[2]).square().mean() / labels[2].var())


def planted(name: str, steps: int, heat: Heat) -> tuple[float, float]:
    """Score of a learner with its random weights, and after training."""
    kind, options = CASES[name]
    torch.manual_seed(0)
    learner = LEARNERS[kind](1, WINDOW, **options)
    before, generator = heat.score(learner), torch.Generator().manual_seed(1)
    weights = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=2e-3)
    for step in range(steps):
        optimiser.zero_grad()
        learner.loss(heat.batch(learner, generator))["loss"].backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        learner.after_step((step + 1) / steps)
    return before, heat.score(learner)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="A planted parameter, before and after pretraining.")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--learners", nargs="+", default=list(CASES), choices=list(CASES))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    heat = Heat()
    print(f"{'learner':<26} {'random':>8} {'trained':>8} {'s':>7}   {arguments.steps} steps of 32 clips")
    for name in arguments.learners:
        start = time.process_time()
        before, after = planted(name, arguments.steps, heat)
        print(f"{name:<26} {before:8.3f} {after:8.3f} {time.process_time() - start:7.1f}", flush=True)


if __name__ == "__main__":
    main()

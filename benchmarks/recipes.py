"""What small changes of the trained learners bring, one row each, with equal data, steps and batches; valid data alone.

    python benchmarks/recipes.py DATA OUT [NAME ...] [--operator RUN] [--seeds 0 1 2] [--trajectories 400] [--steps 80]
        [--batch 32]

Each recipe is trained without labels on 400 trajectories of DATA (shear flow), 80 steps of 32 clips, unless others
are asked for. Those on replicates are trained on as many others in pairs of equal parameters, simulated into OUT like
DATA, and the row ``its data, any windows`` on the same without the pairs. A ridge probe is fitted to clean tokens of
the trajectories of DATA; its penalty is chosen on half of the valid trajectories, and the other half is scored: mean
squared error of the z-scored logarithms of the parameters per trajectory, mean of both, clean, with white noise of
1 % and 20 % of each channel's standard deviation, with windows whose frames lie 3 and 4 times as far apart, and of
other flows at half the time step. With --operator, a run of operator discovery, its tokens are joined to those of the
recipes as well. Nothing reads the test split.
"""

from __future__ import annotations

import argparse
import copy
import dataclasses
from pathlib import Path
from typing import Any

import torch
from operator_noise import tokens_of as window_tokens
from torch import Tensor

import physrep
from physrep.data import ClipDataset
from physrep.files import read_json
from physrep.learners import LEARNERS, Learner
from physrep.learners.pooling import pooled
from physrep.run_directory import learner_config, prepare_learner

FRAMES, STRIDE = 8, 28
TESTS: dict[str, tuple[str, float, int]] = {
    "clean": ("valid", 0.0, 1), "1% noise": ("valid", 0.01, 1), "20% noise": ("valid", 0.2, 1),
    "dt x 0.5": ("half", 0.0, 1), "dt x 3": ("valid", 0.0, 3), "dt x 4": ("valid", 0.0, 4),
}  # fmt: skip
"""Data, level of noise and time step of the windows that the probe of clean ones is asked about."""

ENCODER: dict[str, Any] = {
    "encoder": "conv3d",
    "encoder_options": {"dims": [32, 64, 128], "strides": [[2, 2, 2]] * 3, "groups": 32},
}
CLIPS: dict[str, Any] = {"level": "clip", "target": "random", "regulariser": {"sim": 5, "std": 25, "cov": 5}}
SMALL: dict[str, Any] = {"sim": 5, "std": 5, "cov": 1}
OPERATOR: dict[str, Any] = {"target": "random", "width": 16, "latent": 16}
ADVECTION = {
    "tracer": {"d_x(tracer velocity_x)": -1, "d_y(tracer velocity_y)": -1},
    "velocity_x": {"d_x(velocity_x velocity_x)": -1, "d_y(velocity_x velocity_y)": -1, "d_x(pressure)": -1},
    "velocity_y": {"d_x(velocity_x velocity_y)": -1, "d_y(velocity_y velocity_y)": -1, "d_y(pressure)": -1},
}
"""Shear flow without its diffusions, in the terms of `physrep equation`."""

REPLICATES = ("replicates", "its data, any windows")
"""Recipes that are trained on data with replicates."""

RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "spectra": ("spectra", {}),
    "JEPA on clips": ("jepa", CLIPS),
    "replicates": ("jepa", CLIPS | {"target": "replicate"}),
    "its data, any windows": ("jepa", CLIPS),
    "fresh trajectories": ("jepa", CLIPS),
    "fresh replicates": ("jepa", CLIPS | {"target": "replicate"}),
    "1 to 3 time steps": ("jepa", CLIPS),
    "1 to 3 time steps, told": ("jepa", CLIPS),
    "noise in the views": ("jepa", CLIPS | {"views": {"noise": 0.4}}),
    "blur in the views": ("jepa", CLIPS | {"views": {"blur": 1.0}}),
    "gain in the views": ("jepa", CLIPS | {"views": {"gain": 2.0}}),
    "teacher": ("jepa", CLIPS | {"momentum": 0.99}),
    "teacher, small VICReg": ("jepa", CLIPS | {"momentum": 0.99, "regulariser": SMALL}),
    "small VICReg, no teacher": ("jepa", CLIPS | {"regulariser": SMALL}),
    "all views, small VICReg": (
        "jepa",
        CLIPS | {"views": {"noise": 0.4, "blur": 1.0, "gain": 2.0}, "regulariser": SMALL},
    ),
    "next frame, the frame": ("next_frame", {"residual": False}),
    "next frame, its change": ("next_frame", {}),
    "operator": ("operator", OPERATOR | {"tokens": "latent", "method": "midpoint"}),
    "advection and pressure given": ("physics_integrated", OPERATOR | {"known": ADVECTION}),
    "supervised": ("supervised", {}),
    "supervised, 1 to 3 time steps": ("supervised", {}),
    "supervised, 1 to 3 time steps, told": ("supervised", {}),
}

TRAINING: dict[str, dict[str, Any]] = {
    "fresh trajectories": {"online": 320},
    "fresh replicates": {"online": 320},
    "1 to 3 time steps": {"frame_steps": [1, 2, 3]},
    "1 to 3 time steps, told": {"frame_steps": [1, 2, 3]},
    "supervised, 1 to 3 time steps": {"frame_steps": [1, 2, 3]},
    "supervised, 1 to 3 time steps, told": {"frame_steps": [1, 2, 3]},
}
"""What the training of a recipe has besides that of the others."""


def tokens_of(
    learner: Learner, data: ClipDataset, level: float, most: int | None = None, step: int = 1
) -> tuple[Tensor, Tensor]:
    """Pooled tokens of every window ``(trajectories, windows, D)``, and log parameters ``(trajectories, P)``."""
    found, parameters, each = window_tokens(learner, data, STRIDE, level, most, step)
    found = found.float()
    tokens = found[:, 0] if found.shape[1] == 1 else pooled(found)
    return tokens.unflatten(0, (-1, each)), parameters.log().unflatten(0, (-1, each))[:, 0]


class Row:
    """Tokens of an encoder that a probe needs: of train, clean, and of valid at every level."""

    def __init__(self, learner: Learner, data: dict[str, ClipDataset]) -> None:
        learner.eval()
        self.train, self.labels = tokens_of(learner, data["train"], 0.0, data["train"].n_trajectories)
        self.valid = [tokens_of(learner, data[name], level, step=step) for name, level, step in TESTS.values()]

    def scores(self, other: Row | None = None) -> list[float]:
        """Error at every level, of these tokens or of both."""

        def joined(mine: Tensor, theirs: Tensor | None) -> Tensor:
            return (mine if theirs is None else torch.cat([mine, theirs], 2)).flatten(0, 1).unsqueeze(1)

        each = self.train.shape[1]
        mean, std = self.labels.mean(0), self.labels.std(0)
        half = len(self.valid[0][0]) // 2

        def targets(y: Tensor, windows: int = each) -> Tensor:
            return ((y - mean) / std).float().repeat_interleave(windows, 0)

        clean, y_valid = self.valid[0]
        probe = physrep.RidgeProbe().fit(
            joined(self.train, None if other is None else other.train), targets(self.labels),
            joined(clean[:half], None if other is None else other.valid[0][0][:half]), targets(y_valid[:half]),
        )  # fmt: skip
        found = []
        for i, (x, y) in enumerate(self.valid):
            theirs = None if other is None else other.valid[i][0][half:]
            windows = x.shape[1]
            error = probe.predict(joined(x[half:], theirs)) - targets(y[half:], windows)
            found.append(float(error.unflatten(0, (-1, windows)).mean(1).square().mean()))
        return found


def like(data: physrep.DataConfig, out: Path, **changes: Any) -> physrep.DataConfig:
    """Data that are simulated like these, of another seed and otherwise as ``changes`` say."""
    own = read_json(Path(str(data.path)) / "simulation.json")
    names = ("resolution", "frames", "save_dt", "ranges", "initial_condition", "options")
    config = physrep.SimulationConfig(**{**{name: own[name] for name in names}, "seed": own["seed"] + 1, **changes})
    return physrep.DataConfig(path=str(physrep.simulate(own["system"], out, config)))


def with_replicates(data: physrep.DataConfig, out: Path) -> physrep.DataConfig:
    """Data like these whose training trajectories are pairs of equal parameters."""
    count = (data.max_trajectories or 0) * 10 // 8
    return like(data, out / "replicates", trajectories=count, splits=[0.8, 0.1, 0.1], replicates=2)


def at_half_the_step(data: physrep.DataConfig, out: Path, valid: ClipDataset) -> ClipDataset:
    """As many trajectories as valid has, of the same duration, with half the time between frames."""
    count, frames = valid.n_trajectories, 2 * int(valid.lengths[0]) - 1
    fine = like(
        data, out / "half", trajectories=count + 8, frames=frames, save_dt=valid.dt / 2, seed=7,
        splits=[4 / (count + 8), count / (count + 8), 4 / (count + 8)],
    )  # fmt: skip
    # Their identity is left out: another time step is what they are for.
    return fine.open("valid", dataclasses.replace(valid.stats, identity=None))


def trained(
    name: str, data: physrep.DataConfig, out: Path, seed: int, train: ClipDataset, steps: int, batch: int
) -> Learner:
    """The frozen learner of a recipe."""
    learner, settings = RECIPES[name]
    if not LEARNERS[learner].trainable:
        return prepare_learner(learner_config(learner, settings, FRAMES, train, {}, data, seed), train)
    training = physrep.TrainingConfig(
        steps=steps, batch_size=batch, learning_rate=2e-3, shift=True, flip=["x", "y"], **TRAINING.get(name, {})
    )
    told = copy.deepcopy(ENCODER)
    if "told" in name:
        told["encoder_options"]["reads_units"] = True
    folder = out / (name.replace(" ", "_").replace(",", "") + (f"-s{seed}" if seed else ""))
    run = physrep.pretrain(
        learner, data, folder, num_frames=FRAMES, options=told | settings, training=training, seed=seed
    )
    return physrep.load_run(run)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="default all")
    parser.add_argument("--operator", type=Path, help="run of operator discovery for hybrid tokens")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--trajectories", type=int, default=400, help="of train")
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--batch", type=int, default=32, help="clips per step")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in RECIPES]
    if unknown:
        parser.error(f"no recipe {unknown[0]!r}; there are {', '.join(RECIPES)}")
    data = physrep.DataConfig(path=options.data, max_trajectories=options.trajectories)
    # All rows are of the same trajectories in the same order, whatever data the runs themselves name.
    splits = data.open_splits()
    splits["half"] = at_half_the_step(data, options.out, splits["valid"])
    operator = Row(physrep.load_run(options.operator)[0], splits) if options.operator else None
    print("| recipe | " + " | ".join(TESTS) + " |\n|---|" + "---:|" * len(TESTS))

    def show(name: str, values: list[list[float]]) -> None:
        """Mean over the seeds, and the least and largest where there are several."""
        cells = []
        for own in zip(*values, strict=True):
            mean = f"{sum(own) / len(own):.3f}"
            cells.append(mean if len(own) == 1 else f"{mean} ({min(own):.3f} to {max(own):.3f})")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)

    if operator is not None:
        show("operator discovery", [operator.scores()])
    for name in options.names or RECIPES:
        own = with_replicates(data, options.out) if name in REPLICATES else data
        seeds = options.seeds if LEARNERS[RECIPES[name][0]].trainable else [0]
        budget = options.steps, options.batch
        rows = [Row(trained(name, own, options.out, seed, splits["train"], *budget), splits) for seed in seeds]
        show(name, [row.scores() for row in rows])
        if operator is not None and name == "JEPA on clips":
            show("JEPA on clips and operator discovery", [row.scores(operator) for row in rows])


if __name__ == "__main__":
    main()

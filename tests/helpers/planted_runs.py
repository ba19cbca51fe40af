"""Benchmarks without files: runs whose tokens know the parameter exactly, hidden among others, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np

from physrep.analyses import Context, FrozenRun
from physrep.tokens import LabelScaler, TokenStore

WINDOWS = 3


def planted_stores(
    hidden: int | None = 0, noise: float = 0.0, seed: int = 0, **trajectories: int
) -> dict[str, TokenStore]:
    """Stores of one token per window that holds the parameter ``nu`` and ``hidden`` further random numbers.

    Args:
        hidden: how many; with more than 0 the parameter and they are mixed by a rotation. None: no parameter at all.
        noise: standard deviation of noise on the label side, shared by the windows of a trajectory.
        seed: of everything but the labels.
        trajectories: per split.
    """
    stores = {}
    width = 4 if hidden is None else max(1, hidden + 1)
    rotation = np.linalg.qr(np.random.default_rng(seed).normal(size=(width, width)))[0]
    for number, (split, count) in enumerate(trajectories.items()):
        labels = np.random.default_rng([7, number]).normal(size=count)
        rng = np.random.default_rng([seed, number])
        features = rng.normal(size=(count, width))
        if hidden is not None:
            features[:, 0] = labels + noise * rng.normal(size=count)
            features = features @ rotation
        trajectory = np.repeat(np.arange(count), WINDOWS)
        windows = features[trajectory]
        if hidden is None or hidden:
            windows = windows + 0.3 * rng.normal(size=windows.shape)
        tokens = np.stack([windows, 3 * windows], 1).astype(np.float32)
        stores[split] = TokenStore(
            tokens, labels[trajectory][:, None], trajectory, np.tile(np.arange(WINDOWS), count), ("nu",)
        )
    return stores


class PlantedContext(Context):
    """A context whose runs are given by ``{title: hidden}``."""

    def __init__(
        self, runs: dict[str, int | None], noise: float = 0.0, predictions: bool = True, **trajectories: int
    ) -> None:
        self.made = {
            title: planted_stores(hidden, noise, seed=number, **trajectories)
            for number, (title, hidden) in enumerate(runs.items())
        }
        train = next(iter(self.made.values()))["train"]
        scaler = LabelScaler.fit(train.labels, ("nu",), {"nu": "linear"})
        frozen = [FrozenRun(f"{title}-s0", title, title, "none", 0, "learner", Path(title)) for title in self.made]
        nothing = cast(Any, None)
        # Probes of a benchmark are those whose predictions lie in the run directory.
        probes: dict[str, Any] = {} if predictions else {"ridge": {}}
        super().__init__("planted", nothing, {}, scaler, 4, 1, frozen, probes, Path("."), n_resamples=200)

    def stores(self, run: FrozenRun) -> dict[str, TokenStore]:
        return self.made[run.title]

    def chosen_probe(self, run: FrozenRun) -> str:
        return "ridge"

"""Latent trajectories without simulations: embeddings that are made up, so that the right answer is known."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from physrep.analyses import FrozenRun
from physrep.analyses.latent import LatentContext
from physrep.tokens import LatentTrajectories
from physrep.tokens.folds import stratified_folds

SEEDS, FOLDS = 2, 4


def latent(frames: np.ndarray, grid: np.ndarray | None = None) -> LatentTrajectories:
    """An embedding ``(S, t, D)`` as if it had been computed."""
    return LatentTrajectories(frames, grid, np.arange(frames.shape[1]) * 2.0 + 0.5)


def planted(
    embeddings: dict[str, np.ndarray], parameters: dict[str, np.ndarray], grids: dict[str, np.ndarray] | None = None
) -> LatentContext:
    """One set ``heat`` whose embeddings and parameters are given; names that end in 16 are pixels, others encoders."""
    count = len(next(iter(embeddings.values())))
    out = Path(tempfile.mkdtemp())
    runs = [
        FrozenRun(name, name, "video_pixels" if name.endswith("16") else "jepa", "none", 0,
                  "floor" if name.endswith("16") else "learner", out / name)
        for name in embeddings
    ]  # fmt: skip
    records = [
        {"set": "heat", "number": i, "parameters": {k: float(v[i]) for k, v in parameters.items()}}
        for i in range(count)
    ]
    sets = {"heat": {"equation": "heat", "parameters": dict.fromkeys(parameters, "linear")}}
    stores = {name: latent(frames, (grids or {}).get(name)) for name, frames in embeddings.items()}
    first = np.asarray(next(iter(parameters.values())))
    folds = [stratified_folds(first, FOLDS, [seed, count, 425]) for seed in range(SEEDS)]
    reference = "rgb16" if "rgb16" in stores else next(iter(stores))
    return LatentContext(runs, sets, records, stores, folds, FOLDS, reference, out)

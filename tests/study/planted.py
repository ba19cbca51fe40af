"""Studies without simulations: embeddings that are made up, so that the right answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
from study_settings import tiny_study

from physrep.study.analyses import Context
from physrep.study.config import read_config
from physrep.study.data import StudyData
from physrep.tokens import LatentTrajectories


def store(frames: np.ndarray, grid: np.ndarray | None = None) -> LatentTrajectories:
    """An embedding ``(S, t, D)`` as if it had been computed."""
    return LatentTrajectories(frames, grid, np.arange(frames.shape[1]) * 2.0 + 0.5)


def planted(
    embeddings: dict[str, np.ndarray], parameters: dict[str, np.ndarray], grids: dict[str, np.ndarray] | None = None
) -> Context:
    """One set ``heat`` whose embeddings and parameters are given; names of `PIXELS` are pixels, others encoders."""
    values: dict[str, Any] = tiny_study()
    count = len(next(iter(embeddings.values())))
    values["encoders"] = {
        name: {"kind": "pixels", "source": name} if name.endswith("16") else {"kind": "run", "source": name}
        for name in embeddings
    }
    values["render"], values["simulations"], values["test"] = {}, count, 0.25
    config = read_config(values, "x")
    records = [
        {"set": "heat", "equation": "heat", "number": i, "parameters": {k: float(v[i]) for k, v in parameters.items()}}
        for i in range(count)
    ]
    sets = {"heat": {"equation": "heat", "parameters": dict.fromkeys(parameters, "linear")}}
    stores = {name: store(frames, (grids or {}).get(name)) for name, frames in embeddings.items()}
    return Context(config, StudyData(np.zeros((count, 1, 1, 1)), records, sets, "k"), stores, {})

"""What the report shows of the data: a summary, and a few test trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data_config import DataConfig
from ..files import atomic_path, read_json

if TYPE_CHECKING:
    from ..data import ClipDataset
    from .config import BenchConfig

SAMPLES, FRAMES = 4, 6


def describe_data(
    config: BenchConfig, data: DataConfig, splits: dict[str, ClipDataset], scales: dict[str, str]
) -> dict[str, Any]:
    """Names, sizes, ranges and equations of the data, as plain data."""
    from ..systems import SYSTEMS

    train = splits["train"]
    system = SYSTEMS.get(config.system)
    known = {p.name: p for p in system.parameters} if system else {}
    simulation = Path(data.path) / "simulation.json"
    made = read_json(simulation) if simulation.is_file() else {}
    import sys

    module = sys.modules[type(system).__module__] if system else None
    return {
        "system": config.system,
        "equations": (module.__doc__ or "").strip() if module else "",
        "trajectories": {split: dataset.n_trajectories for split, dataset in splits.items()},
        "channels": list(train.channels),
        "resolution": list(train.shape),
        "frames": int(train.lengths.min()),
        "num_frames": config.num_frames,
        "dt": train.dt * data.frame_step,
        "initial_condition": made.get("initial_condition", "as in the files"),
        "parameters": [
            {
                "name": name,
                "symbol": known[name].symbol if name in known else name,
                "unit": known[name].unit if name in known else "",
                "scale": scales[name],
                "low": float(column.min()),
                "high": float(column.max()),
            }
            for name, column in zip(train.parameter_names, train.parameters.T, strict=True)
        ],
    }


def save_samples(path: Path, test: ClipDataset) -> None:
    """A few test trajectories, spread over the first parameter, at a few times: ``fields (n, C, T, H, W)``."""
    order = (
        np.argsort(test.parameters[:, 0].numpy(), kind="stable") if test.parameters.shape[1] else np.arange(len(test))
    )
    chosen = order[np.linspace(0, len(order) - 1, min(SAMPLES, len(order))).round().astype(int)]
    last = int(test.lengths.min()) - 1
    times = np.unique(np.linspace(0, last, FRAMES).round().astype(int))
    fields = np.stack(
        [np.concatenate([test.clip(np.array([[i, t]]), 1).fields[0].numpy() for t in times], 1) for i in chosen]
    )
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.savez(
            file,
            fields=fields.astype(np.float32),
            channels=np.array(test.channels),
            parameters=test.parameters.numpy()[chosen],
            parameter_names=np.array(test.parameter_names),
            times=times * test.dt,
        )

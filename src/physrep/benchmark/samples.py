"""What the report shows of the data: a summary, and a few test trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..data.config import DataConfig
from ..data.labelled import known_in_words
from ..files import read_json, write_npz
from ..palette import as_plane

if TYPE_CHECKING:
    from ..data import ClipDataset
    from .config import BenchConfig


def describe_data(
    config: BenchConfig, data: DataConfig, splits: dict[str, ClipDataset], scales: dict[str, str], shared: int = 0
) -> dict[str, Any]:
    """Names, sizes, ranges and equations of the data, as plain data; ``shared`` pairs of starts were allowed."""
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
        "observation": _observations(splits),
        "notes": _notes(config, data, splits, shared),
        "initial_condition": made.get("initial_condition", "as in the files"),
        "parameters": [
            {
                "name": name,
                "symbol": known[name].symbol if name in known else name,
                "unit": known[name].unit if name in known else "",
                "scale": scales[name],
                "low": float(np.nanmin(column)),
                "high": float(np.nanmax(column)),
            }
            for name, column in zip(train.parameter_names, train.parameters.numpy().T, strict=True)
        ],
    }


def _observations(splits: dict[str, ClipDataset]) -> list[str]:
    """What instruments made of the fields, one text for all splits or one for each; empty without one."""
    texts = {split: _steps(dataset.observation) for split, dataset in splits.items()}
    if len(set(texts.values())) == 1:
        return [text] if (text := texts["train"]) else []
    return [f"{split}: {text or 'as simulated'}" for split, text in texts.items()]


def _steps(observation: list[list[Any]]) -> str:
    parts = []
    for name, options in observation:
        inner = ", ".join(f"{key} {value}" for key, value in options.items())
        parts.append(f"{name} ({inner})" if inner else str(name))
    return ", ".join(parts)


def _notes(config: BenchConfig, data: DataConfig, splits: dict[str, ClipDataset], shared: int) -> list[str]:
    """What was left out, replaced or allowed, a sentence each."""
    notes = known_in_words(splits)
    span = (config.num_frames - 1) * data.frame_step + 1
    for split, dataset in splits.items():
        short = int((dataset.lengths < span).sum())
        if short:
            total = dataset.n_trajectories
            notes.append(f"{short} of {total} trajectories of {split} have fewer than {span} frames and are left out.")
        if dataset.replaced:
            notes.append(f"{dataset.replaced} missing values of {split} were replaced by the mean of their frame.")
    if len(splits["train"].axes) == 3:
        notes.append(f"Pictures of fields show the middle plane of the axis {splits['train'].axes[2]}.")
    if len(splits["train"].axes) == 1:
        notes.append("Fields on one axis are drawn as bands; across a band nothing varies.")
    if shared:
        notes.append(f"{shared} pairs of trajectories of different splits start from the same frame, as allowed.")
    return notes


def save_samples(path: Path, test: ClipDataset) -> None:
    """A few whole test trajectories: ``fields (n, C, T, H, W)``; of fields in space the middle plane of the last axis,
    of fields on one axis a band that does not vary across.

    They are spread over the range of the first parameter; the middle and the largest value come first, because figures
    with little room show the first ones, and these usually have most structure.
    """
    ranked = test.parameters[:, 0] if test.parameters.shape[1] else torch.arange(len(test))
    order = np.argsort(ranked.numpy(), kind="stable")
    order = order[: int((~ranked.isnan()).sum())] if ranked.dtype.is_floating_point else order  # unknown come last
    quantiles = np.array([0.5, 0.95, 0.75, 0.05])[: len(order)]
    chosen = order[(quantiles * (len(order) - 1)).round().astype(int)]
    frames = int(test.lengths.min())
    fields = test.clip(np.stack([chosen, np.zeros_like(chosen)], 1), frames).fields.numpy()
    write_npz(
        path,
        {
            "fields": as_plane(fields, fields.ndim - 3),
            "channels": np.array(test.channels),
            "parameters": test.parameters.numpy()[chosen],
            "parameter_names": np.array(test.parameter_names),
        },
    )

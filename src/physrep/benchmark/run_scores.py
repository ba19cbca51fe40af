"""Scores of one run: of its probes, of what a learner says by itself, and of a constant."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.config import DataConfig
from ..files import content_hash, read_record, write_json, write_record
from ..learners.identity import CONSTANT
from ..probes.nested import pooled_store
from ..registry import build
from ..run_directory import SUMMARY
from ..tokens.protocol import Division
from .config import BenchConfig, Run

if TYPE_CHECKING:
    from torch import Tensor

    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..probes.fit import Predictions
    from ..readout import Readouts
    from ..tokens import LabelScaler, TokenStore


def fit_probe(
    name: str,
    options: dict[str, Any],
    stores: dict[str, TokenStore],
    scaler: LabelScaler,
    config: BenchConfig,
    seed: int,
    folder: Path,
    division: Division | None,
    readouts: Readouts | None,
) -> list[dict[str, Any]]:
    """Rows of one probe; read from disk if the same probe was fitted to the same tokens before."""
    from ..probes import PROBES, evaluate, evaluate_nested, save_predictions

    nested = {"protocol": config.protocol} if division else {}
    key = content_hash(
        {
            "probe": name,
            "options": options,
            "tokens": {split: store.meta.get("key") for split, store in stores.items()},
            "scaler": scaler.to_dict(),
            "resamples": config.n_resamples,
            "seed": seed,
            # Results from before there was a choice are those of these two.
            **({} if config.metrics == ["mse", "r2"] else {"metrics": config.metrics}),
            **nested,
        }
    )
    record, predictions = folder / f"probe_{name}.json", folder / f"predictions_{name}.npz"
    if record.is_file() and predictions.is_file():
        stored = read_record(record, "key", "rows")
        # A record from before there were readouts says nothing of one: the probe is fitted again to make it.
        asked = f"readout_{name}.json"
        if stored["key"] == key and ((folder / asked).is_file() or stored.get("readout") is False):
            return stored["rows"]
    make = partial(build, name, PROBES, "probe", options, {"seed": seed})
    probe = make()
    if division:
        rows, predicted = evaluate_nested(
            make, stores, scaler, division, name=name, n_resamples=config.n_resamples, metrics=config.metrics
        )
    else:
        rows, predicted = evaluate(
            probe, stores, scaler, name=name, n_resamples=config.n_resamples, metrics=config.metrics
        )
    records = rows.to_dict("records")
    save_predictions(predictions, predicted)
    readable = readouts is not None and readouts.write(name, probe, predicted, make if division else None)
    best = getattr(probe, "best_params_", None)
    write_record(record, {"key": key, "options": options, "best_params_": best, "readout": readable, "rows": records})
    return records


def own_output(
    learner: Learner,
    stores: dict[str, TokenStore],
    splits: dict[str, ClipDataset],
    scaler: LabelScaler,
    config: BenchConfig,
    data: DataConfig,
    folder: Path,
    device: str,
    division: Division | None,
    readouts: Readouts,
) -> list[dict[str, Any]]:
    """Scores of what a learner says of the parameters by itself, without any probe."""
    import torch

    from ..readout.own import own_reading

    reading = own_reading(learner, scaler)
    if reading is None:
        return []
    name, predict = reading
    parts: dict[str, list[Tensor]] = {}
    for split in {split for own in _scored(division).values() for split in own}:
        store = stores[split]
        windows = np.stack([store.trajectory, store.start], 1)
        with torch.inference_mode():
            for i in range(0, len(windows), 64):
                clip = splits[split].clip(windows[i : i + 64], learner.num_frames, data.frame_step)
                parts.setdefault(split, []).append(predict(clip.to(device)).cpu())
    predicted = {}
    for scored, own in _scored(division).items():
        store = pooled_store([stores[split] for split in own]) if len(own) > 1 else next(stores[split] for split in own)
        estimate = torch.cat([part for split in own for part in parts[split]]).double()
        windows = np.stack([store.trajectory, store.start], 1)
        predicted[scored] = _predictions(estimate, store.labels, store.parameter_names, scaler, windows)
    readouts.write(name, None, predicted)
    return _score(predicted, name, stores["train"].n_trajectories, config, folder)


def _scored(division: Division | None) -> dict[str, tuple[str, ...]]:
    """Splits of the data set that are scored as valid and as test."""
    return {"valid": ("valid",), "test": division.pool if division else ("test",)}


def constant(
    run: Run,
    splits: dict[str, ClipDataset],
    scaler: LabelScaler,
    config: BenchConfig,
    folder: Path,
    division: Division | None,
) -> list[dict[str, Any]]:
    """The mean of the training labels as the only prediction: MSE 1 but for the difference of the splits."""
    import torch

    predicted = {}
    for scored, own in _scored(division).items():
        windows, labels, count = [], [], 0
        for dataset in (splits[split] for split in own):
            rows = dataset.windows(config.num_frames, config.eval_stride, config.data.frame_step)
            labels.append(dataset.parameters[rows[:, 0]].numpy())
            windows.append(rows + np.array([count, 0]))
            count += dataset.n_trajectories
        whole = np.concatenate(windows)
        zeros = torch.zeros(len(whole), len(scaler.names), dtype=torch.float64)
        predicted[scored] = _predictions(zeros, np.concatenate(labels), splits["test"].parameter_names, scaler, whole)
    costs = {"parameters": 0, "clips_seen": 0, "seconds": 0.0, "encoder_parameters": 0}
    own = {"learner": run.learner, "encoder": "none", "seed": run.seed, **CONSTANT._asdict()}
    write_json(folder / SUMMARY, {**costs, **own})
    return _score(predicted, "none", splits["train"].n_trajectories, config, folder)


def _predictions(
    prediction: Any, labels: np.ndarray, names: tuple[str, ...], scaler: LabelScaler, windows: np.ndarray
) -> Predictions:
    from ..probes.fit import Predictions

    target = scaler.transform(labels, names).double()
    return Predictions(
        scaler.names,
        prediction.numpy(),
        target.numpy(),
        scaler.inverse(prediction).numpy(),
        scaler.inverse(target).numpy(),
        windows[:, 0],
        windows[:, 1],
    )


def _score(
    predicted: dict[str, Predictions], probe: str, n_train: int, config: BenchConfig, folder: Path
) -> list[dict[str, Any]]:
    from ..probes import save_predictions
    from ..probes.fit import score

    save_predictions(folder / f"predictions_{probe}.npz", predicted)
    return [
        {"probe": probe, "split": split, "n_train_trajectories": n_train, **row}
        for split, part in predicted.items()
        for row in score(part, n_resamples=config.n_resamples, metrics=config.metrics)
    ]

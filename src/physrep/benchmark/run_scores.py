"""Scores of one run: of its probes, of what a learner says by itself, and of a constant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import content_hash, read_record, write_json, write_record
from ..learners.identity import CONSTANT
from ..probes.nested import pooled_store
from ..registry import build
from ..run_directory import SUMMARY
from ..tokens.protocol import Division
from .config import BenchConfig
from .grid import PlannedRun

if TYPE_CHECKING:
    from torch import Tensor

    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..probes import Probe
    from ..probes.predictions import Predictions
    from ..readout import Readouts
    from ..tokens import LabelScaler, TokenStore


@dataclass(frozen=True)
class Scoring:
    """What all scores of a run share.

    Attributes:
        config: of the benchmark.
        folder: of the run.
        scaler: units of the labels.
        division: how the protocol divides the trajectories; None: the splits of the data set.
    """

    config: BenchConfig
    folder: Path
    scaler: LabelScaler
    division: Division | None

    @property
    def splits(self) -> dict[str, tuple[str, ...]]:
        """Splits of the data set that are scored as valid and as test."""
        return {"valid": ("valid",), "test": self.division.pool if self.division else ("test",)}

    def predictions(
        self, prediction: Any, labels: np.ndarray, names: tuple[str, ...], windows: np.ndarray
    ) -> Predictions:
        """Z-scored predictions beside the labels, in both units."""
        from ..probes.predictions import Predictions

        target = self.scaler.transform(labels, names, unknown="keep").double()
        return Predictions(
            self.scaler.names,
            prediction.numpy(),
            target.numpy(),
            self.scaler.inverse(prediction).numpy(),
            self.scaler.inverse(target).numpy(),
            windows[:, 0],
            windows[:, 1],
        )

    def score(self, predicted: dict[str, Predictions], probe: str, train: dict[str, int]) -> list[dict[str, Any]]:
        """Rows of predictions, which are kept in the folder; ``train``: trajectories by parameter, and ``mean``."""
        from ..probes import save_predictions
        from ..probes.fit import split_scores

        save_predictions(self.folder / f"predictions_{probe}.npz", predicted)
        return [
            {"probe": probe, "split": split, "n_train_trajectories": train.get(row["parameter"], train["mean"]), **row}
            for split, part in predicted.items()
            for row in split_scores(part, n_resamples=self.config.n_resamples, metrics=self.config.metrics)
        ]


def fit_probe(
    own: Scoring, stores: dict[str, TokenStore], name: str, options: dict[str, Any], seed: int,
    readouts: Readouts | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Rows of one probe; read from disk if the same probe was fitted to the same tokens before."""
    from ..probes import evaluate, evaluate_nested, save_predictions

    config, scaler, folder, division = own.config, own.scaler, own.folder, own.division
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
    make = partial(_unfitted, name, options, seed, stores, scaler)
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


def _unfitted(
    name: str, options: dict[str, Any], seed: int, stores: dict[str, TokenStore], scaler: LabelScaler
) -> Probe:
    from ..probes import PROBES
    from ..probes.partial import for_labels

    return for_labels(build(name, PROBES, "probe", options, {"seed": seed}), stores, scaler)


def own_output(
    own: Scoring, stores: dict[str, TokenStore], learner: Learner, splits: dict[str, ClipDataset], frame_step: int,
    device: str, readouts: Readouts,
) -> list[dict[str, Any]]:  # fmt: skip
    """Scores of what a learner says of the parameters by itself, without any probe."""
    import torch

    from ..probes.fit import n_training
    from ..readout.own import own_reading

    reading = own_reading(learner, own.scaler)
    if reading is None:
        return []
    name, predict = reading
    parts: dict[str, list[Tensor]] = {}
    for split in {split for among in own.splits.values() for split in among}:
        store = stores[split]
        windows = np.stack([store.trajectory, store.start], 1)
        with torch.inference_mode():
            for i in range(0, len(windows), 64):
                clip = splits[split].clip(windows[i : i + 64], learner.num_frames, frame_step)
                parts.setdefault(split, []).append(predict(clip.to(device)).cpu())
    predicted = {}
    for scored, among in own.splits.items():
        several = [stores[split] for split in among]
        store = pooled_store(several) if len(several) > 1 else several[0]
        estimate = torch.cat([part for split in among for part in parts[split]]).double()
        windows = np.stack([store.trajectory, store.start], 1)
        predicted[scored] = own.predictions(estimate, store.labels, store.parameter_names, windows)
    readouts.write(name, None, predicted)
    return own.score(predicted, name, n_training(stores["train"], own.scaler))


def constant(own: Scoring, run: PlannedRun, splits: dict[str, ClipDataset]) -> list[dict[str, Any]]:
    """The mean of the training labels as the only prediction: MSE 1 but for the difference of the splits."""
    import torch

    from ..probes.fit import known_trajectories

    config, predicted = own.config, {}
    for scored, among in own.splits.items():
        windows, labels, count = [], [], 0
        for dataset in (splits[split] for split in among):
            rows = dataset.windows(config.num_frames, config.eval_stride, config.data.frame_step)
            labels.append(dataset.parameters[rows[:, 0]].numpy())
            windows.append(rows + np.array([count, 0]))
            count += dataset.n_trajectories
        whole = np.concatenate(windows)
        zeros = torch.zeros(len(whole), len(own.scaler.names), dtype=torch.float64)
        predicted[scored] = own.predictions(zeros, np.concatenate(labels), splits["test"].parameter_names, whole)
    costs = {"parameters": 0, "clips_seen": 0, "seconds": 0.0, "encoder_parameters": 0}
    who = {"learner": run.learner, "encoder": "none", "seed": run.seed, **CONSTANT._asdict()}
    write_json(own.folder / SUMMARY, {**costs, **who})
    train = splits["train"]
    known = own.scaler.transform(train.parameters, train.parameter_names, unknown="keep").numpy()
    return own.score(predicted, "none", known_trajectories(known, np.arange(len(known)), own.scaler.names))

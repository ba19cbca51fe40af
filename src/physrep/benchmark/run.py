"""One run of a benchmark: train (or not), freeze, embed, probe, score."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.config import DataConfig, parameter_scales
from ..errors import PhysrepError
from ..files import content_hash, read_json, write_json
from ..learners.identity import CONSTANT, identity
from ..registry import build
from ..run_directory import (
    SUMMARY,
    is_finished,
    learner_config,
    load_run,
    prepare_learner,
    read_summary,
    save_learner,
)
from ..training.pretrain import pretrain
from .config import BenchConfig, Run

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..probes.fit import Predictions
    from ..tokens import LabelScaler, TokenStore

SCORES = "scores.json"


def execute(
    run: Run, config: BenchConfig, data: DataConfig, folder: Path, device: str, splits: dict[str, ClipDataset]
) -> None:
    """Do what of a run is not done yet; the last file written is its ``scores.json``."""
    from ..tokens import LabelScaler, embed_splits

    train = splits["train"]
    scales = parameter_scales(train, config.scales)
    scaler = LabelScaler.fit(train.parameters, train.parameter_names, scales)
    if run.learner == "constant":
        rows = _constant(run, splits, scaler, config, folder)
    else:
        learner = _learner(run, config, data, train, scales, folder, device)
        stores = embed_splits(
            learner,
            splits,
            folder / "tokens",
            stride=config.eval_stride,
            frame_step=data.frame_step,
            dtype=config.token_dtype,
            device="cpu" if device == "cpu" else "cuda",
            label=f"{run.name}: embed",
        )
        rows = []
        readouts = _Readouts(learner, stores, splits, scaler, config.eval_stride, folder)
        for name, options in run.probes.items():
            rows += _probe(name, options, stores, scaler, config, run.seed, folder, readouts)
        rows += _own_output(learner, stores, splits, scaler, config, data, folder, device, readouts)
    identity = {"system": config.system, "learner": run.learner, "encoder": run.encoder, "seed": run.seed}
    write_json(folder / SCORES, [{**identity, **row, "run": run.name} for row in rows])


def _learner(
    run: Run,
    config: BenchConfig,
    data: DataConfig,
    train: ClipDataset,
    scales: dict[str, str],
    folder: Path,
    device: str,
) -> Learner:
    """The frozen learner; trained in ``folder`` first if it is one that trains."""
    if run.trained:
        start = str(folder.parent / f"{run.start}-s{run.seed}") if run.start in config.run_names() else run.start
        pretrain(
            run.learner,
            data,
            folder,
            options=run.options,
            num_frames=config.num_frames,
            training=run.training,
            scales=config.scales,
            seed=run.seed,
            device=device,
            label=run.name,
            start=start,
            train=train,
        )
    else:
        settings = learner_config(run.learner, run.options, config.num_frames, train, scales, data, run.seed)
        save_learner(folder, prepare_learner(settings, train), settings)
    learner, _ = load_run(folder)
    costs: dict[str, Any] = {"parameters": 0, "clips_seen": 0, "seconds": 0.0}
    if is_finished(folder):
        costs = read_summary(folder)
    costs["encoder_parameters"] = sum(p.numel() for p in getattr(learner, "encoder", learner).parameters())
    who = identity(learner, run.learner)._asdict()
    summary = {**costs, "learner": run.learner, "encoder": run.encoder, "seed": run.seed, **who}
    if not (folder / SUMMARY).is_file() or read_summary(folder) != summary:
        write_json(folder / SUMMARY, summary)
    return learner.to("cpu" if device == "cpu" else "cuda")


class _Readouts:
    """Readouts of one run; what does not depend on the probe is computed once, when the first is written."""

    def __init__(
        self,
        learner: Learner,
        stores: dict[str, TokenStore],
        splits: dict[str, ClipDataset],
        scaler: LabelScaler,
        stride: int,
        folder: Path,
    ) -> None:
        self.learner, self.stores, self.splits, self.scaler = learner, stores, splits, scaler
        self.stride, self.folder = stride, folder
        self._novelty: Any = None

    def write(self, name: str, probe: Any, predicted: dict[str, Predictions]) -> None:
        """Store what `physrep predict` needs; a probe that cannot be stored is said in a line, its scores stand."""
        from ..readout import Readout, novelties

        if self._novelty is None:
            self._novelty = novelties(self.learner, self.stores, self.splits)
        shared = (self.learner, self.stores, self.splits, self.scaler, predicted, self.stride, self._novelty)
        try:
            Readout.fit(name, probe, *shared).save(self.folder)
        except PhysrepError as error:
            text = f"{self.folder.name}: no readout for `physrep predict` is stored: {error}"
            print(text, file=sys.stderr, flush=True)


def _probe(
    name: str,
    options: dict[str, Any],
    stores: dict[str, TokenStore],
    scaler: LabelScaler,
    config: BenchConfig,
    seed: int,
    folder: Path,
    readouts: _Readouts,
) -> list[dict[str, Any]]:
    """Rows of one probe; read from disk if the same probe was fitted to the same tokens before."""
    from ..probes import PROBES, evaluate, save_predictions

    key = content_hash(
        {
            "probe": name,
            "options": options,
            "tokens": {split: store.meta.get("key") for split, store in stores.items()},
            "scaler": scaler.to_dict(),
            "resamples": config.resamples,
            "seed": seed,
            # Results from before there was a choice are those of these two.
            **({} if config.metrics == ["mse", "r2"] else {"metrics": config.metrics}),
        }
    )
    record, predictions = folder / f"probe_{name}.json", folder / f"predictions_{name}.npz"
    if record.is_file() and predictions.is_file():
        stored = read_json(record)
        if stored["key"] == key:
            return stored["rows"]
    probe = build(name, PROBES, "probe", options, {"seed": seed})
    rows, predicted = evaluate(probe, stores, scaler, name=name, resamples=config.resamples, metrics=config.metrics)
    save_predictions(predictions, predicted)
    readouts.write(name, probe, predicted)
    write_json(record, {"key": key, "options": options, "choice": getattr(probe, "choice", None), "rows": rows})
    return rows


def _own_output(
    learner: Learner,
    stores: dict[str, TokenStore],
    splits: dict[str, ClipDataset],
    scaler: LabelScaler,
    config: BenchConfig,
    data: DataConfig,
    folder: Path,
    device: str,
    readouts: _Readouts,
) -> list[dict[str, Any]]:
    """Scores of what a learner says of the parameters by itself, without any probe."""
    import torch

    from ..readout.own import own_reading

    reading = own_reading(learner, scaler)
    if reading is None:
        return []
    name, predict = reading
    predicted = {}
    for split in ("valid", "test"):
        store, parts = stores[split], []
        windows = np.stack([store.trajectory, store.start], 1)
        with torch.inference_mode():
            for i in range(0, len(windows), 64):
                clip = splits[split].clip(windows[i : i + 64], learner.num_frames, data.frame_step)
                parts.append(predict(clip.to("cpu" if device == "cpu" else "cuda")).cpu())
        predicted[split] = _predictions(torch.cat(parts).double(), store.labels, store.parameter_names, scaler, windows)
    readouts.write(name, None, predicted)
    return _score(predicted, name, stores["train"].n_trajectories, config, folder)


def _constant(
    run: Run, splits: dict[str, ClipDataset], scaler: LabelScaler, config: BenchConfig, folder: Path
) -> list[dict[str, Any]]:
    """The mean of the training labels as the only prediction: MSE 1 but for the difference of the splits."""
    import torch

    predicted = {}
    for split in ("valid", "test"):
        dataset = splits[split]
        windows = dataset.windows(config.num_frames, config.eval_stride, config.data.frame_step)
        labels = dataset.parameters[windows[:, 0]]
        zeros = torch.zeros(len(windows), len(scaler.names), dtype=torch.float64)
        predicted[split] = _predictions(zeros, labels.numpy(), dataset.parameter_names, scaler, windows)
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
        for row in score(part, resamples=config.resamples, metrics=config.metrics)
    ]

"""One run of a benchmark: train (or not), freeze, embed, probe, score."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.config import DataConfig, parameter_scales
from ..files import content_hash, read_json, write_json
from ..learners.identity import CONSTANT, identity
from ..probes.nested import pooled_store
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
from ..tokens.protocol import Division, divide, first_parameters, read_protocol
from ..training.pretrain import pretrain
from .config import BenchConfig, Run, learner_class

if TYPE_CHECKING:
    from torch import Tensor

    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..probes.fit import Predictions
    from ..readout import Readouts
    from ..tokens import LabelScaler, TokenStore

SCORES = "scores.json"


def execute(
    run: Run,
    config: BenchConfig,
    data: DataConfig,
    folder: Path,
    device: str,
    splits: dict[str, ClipDataset],
    devices: int = 1,
) -> None:
    """Do what of a run is not done yet; the last file written is its ``scores.json``."""
    train = splits["train"]
    if run.learner == "constant":
        scaler, division = _labels(config, splits)
        _write_scores(run, config, folder, _constant(run, splits, scaler, config, folder, division))
    else:
        learner = _learner(run, config, data, train, parameter_scales(train, config.scales), folder, device, devices)
        score_frozen(run, learner, config, data, folder, device, splits)


def score_frozen(
    run: Run,
    learner: Learner,
    config: BenchConfig,
    data: DataConfig,
    folder: Path,
    device: str,
    splits: dict[str, ClipDataset],
) -> None:
    """Embed with a frozen learner, fit the probes, store their readouts and write ``scores.json``.

    Args:
        run: its name, and the probes to fit.
        learner: frozen.
        config: of the benchmark.
        data, splits: the view on the data that the learner reads, and its three splits.
        folder: run directory that holds the learner.
        device: ``cpu`` or ``cuda``.
    """
    from ..readout import Basis, Readouts

    scaler, division = _labels(config, splits)
    stores = embed_frozen(learner, config, data, folder, device, splits, f"{run.name}: embed")
    rows = []
    spectra = folder.parent.parent / "spectra"
    readouts = Readouts(Basis(learner, stores, splits, scaler, config.eval_stride, spectra, division), folder)
    for name, options in run.probes.items():
        rows += _probe(name, options, stores, scaler, config, run.seed, folder, division, readouts)
    rows += _own_output(learner, stores, splits, scaler, config, data, folder, device, division, readouts)
    _write_scores(run, config, folder, rows)


def embed_frozen(
    learner: Learner,
    config: BenchConfig,
    data: DataConfig,
    folder: Path,
    device: str,
    splits: dict[str, ClipDataset],
    label: str,
) -> dict[str, TokenStore]:
    """The tokens of the evaluation windows of all splits, in ``folder/tokens``."""
    from ..tokens import embed_splits

    return embed_splits(
        learner,
        splits,
        folder / "tokens",
        stride=config.eval_stride,
        frame_step=data.frame_step,
        dtype=config.token_dtype,
        device=device,
        label=label,
    )


def probe_twin(
    run: Run, stores: dict[str, TokenStore], config: BenchConfig, folder: Path, splits: dict[str, ClipDataset]
) -> list[dict[str, Any]]:
    """Rows of all probes of a run on other tokens of its windows; no readout is kept in ``folder``."""
    scaler, division = _labels(config, splits)
    return [
        row
        for name, options in run.probes.items()
        for row in _probe(name, options, stores, scaler, config, run.seed, folder, division, None)
    ]


def _labels(config: BenchConfig, splits: dict[str, ClipDataset]) -> tuple[LabelScaler, Division | None]:
    """The units of the labels, and how the protocol divides the trajectories; None: the splits of the data set."""
    from ..tokens import LabelScaler

    scaler = LabelScaler.of_training(splits["train"], config.scales)
    protocol = read_protocol(config.protocol)
    return scaler, protocol and divide(protocol, first_parameters(splits, scaler.names[0]), config.system)


def _write_scores(run: Run, config: BenchConfig, folder: Path, rows: list[dict[str, Any]]) -> None:
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
    devices: int,
) -> Learner:
    """The frozen learner; trained in ``folder`` first if it is one that trains."""
    if run.trained:
        base = run.init_from
        if base in config.run_names():
            base = str(folder.parent / f"{base}-s{run.seed}")
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
            # What is fitted in closed form takes no steps that processes could share.
            devices=1 if hasattr(learner_class(run.learner), "fit") else devices,
            label=run.name,
            init_from=base,
            train=train,
        )
    else:
        settings = learner_config(run.learner, run.options, config.num_frames, train, scales, data, run.seed)
        save_learner(folder, prepare_learner(settings, train), settings)
    learner, _ = load_run(folder)
    write_identity(run, learner, folder)
    return learner.to(device)


def write_identity(run: Run, learner: Learner, folder: Path) -> None:
    """Put into the run's ``summary.json`` what the page says of the learner, beside the costs that stand there."""
    costs: dict[str, Any] = {"parameters": 0, "clips_seen": 0, "seconds": 0.0}
    if is_finished(folder):
        costs = read_summary(folder)
    costs["encoder_parameters"] = sum(p.numel() for p in getattr(learner, "encoder", learner).parameters())
    who = identity(learner, run.learner)._asdict()
    summary = {**costs, "learner": run.learner, "encoder": run.encoder, "seed": run.seed, **who}
    if not (folder / SUMMARY).is_file() or read_summary(folder) != summary:
        write_json(folder / SUMMARY, summary)


def _probe(
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
        stored = read_json(record)
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
    write_json(record, {"key": key, "options": options, "best_params_": best, "readout": readable, "rows": records})
    return records


def _own_output(
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


def _constant(
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

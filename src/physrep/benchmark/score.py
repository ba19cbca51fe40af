"""Is an encoder worth it? One encoder against the floors, on the same windows, by the same probes.

The rows are those of an ordinary benchmark: constant, field statistics, power spectra, the classical floor, the
encoder's own random weights, and the encoder. What is added are four comparisons (`comparisons`), each on test
trajectories, with probe and floor chosen on valid:

- gain: MSE of the best floor minus MSE of the encoder, paired over trajectories;
- increment: MSE of the floor minus MSE of *floor and tokens together*, with the same probe: what the encoder knows that
  the floor does not;
- labels: the number of labelled training trajectories with which either reaches the score of the other;
- collapse: participation ratio of the mean tokens, and channels that do not vary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..analyses.efficiency import subset, trajectories_until, trajectory_mse
from ..analyses.increment import reduced, side_by_side
from ..data.config import DataConfig
from ..data.names import SPLITS
from ..files import read_record, read_rows, write_json
from ..metrics import cluster_means, paired_difference
from ..metrics.collapse import Spread, collapse_in_words, token_spread
from ..probes import PROBES
from ..probes.fit import fit_splits
from ..probes.predictions import load_predictions
from ..registry import build
from ..tokens import LabelScaler, TokenStore
from .config import BenchConfig, RunConfig
from .feed import FROZEN, Measured, feed_batch
from .run import SCORES
from .runner import bench

FLOORS = ("constant", "statistics", "spectra", "classical")
ENCODER, RANDOM = "encoder", "random_weights"
SHARES = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
"""Shares of the training trajectories at which the probes of the encoder and of the best floor are fitted."""


@dataclass(frozen=True)
class Row:
    """A line of the table: the probe that is best on valid, and its scores on test, per trajectory."""

    run: str
    label: str
    kind: str
    probe: str
    valid: float
    mse: float
    low: float
    high: float
    r2: float
    each: dict[str, float]


@dataclass(frozen=True)
class ScoredEncoder:
    """The table and the comparisons; MSE in units of the variance of the z-scored labels.

    Attributes:
        rows: of the table, floors first.
        floor: run of the best floor, chosen on valid.
        gain, increment: difference, and ends of its 95 % interval over trajectories. No share of resamples: the encoder
            is one, and resamples of trajectories say nothing of how another training of it would do.
        labels: ``encoder`` labelled trajectories with which the encoder reaches the floor's score, ``floor`` the other
            way round, of ``all``; infinity if never.
        participation: participation ratio of the mean tokens on test.
        constant_channels: share of channels of the mean tokens that do not vary.
        measured: see `Measured`.
        warnings: one line each.
    """

    rows: list[Row]
    floor: str
    gain: tuple[float, float, float]
    increment: tuple[float, float, float]
    labels: dict[str, float]
    participation: float
    constant_channels: float
    measured: Measured
    warnings: list[str]


def score(
    encoder_options: Mapping[str, Any],
    data: DataConfig,
    out: str | Path,
    *,
    num_frames: int = 16,
    stride: int = 8,
    probes: Sequence[str] = ("ridge", "kernel_ridge"),
    seeds: Sequence[int] = (0,),
    device: str = "cpu",
    jobs: int | None = None,
) -> ScoredEncoder:
    """Score an encoder against the floors; repeated, the call goes on where it stopped.

    Args:
        encoder_options: arguments of `physrep.checkpoints.frozen_encoder.FrozenEncoder`.
        data: the data set and the view on it.
        out: folder of the benchmark.
        num_frames, stride: frames per window, and distance between the starts of windows.
        probes: names of probes that read all tokens' moments; the best on valid counts.
        seeds: of the random weights.
        device, jobs: as in `bench`.

    Raises:
        PhysrepError: an encoder that cannot be built or fed, or data that do not fit.
    """
    out = Path(out)
    train = data.open("train")
    options = {key: value for key, value in encoder_options.items() if value is not None}
    measured = feed_batch(options, data, num_frames)
    options |= {"embed_dim": measured.width}
    random = [
        RunConfig(FROZEN, options={**options, "random_weights": True, "seed": seed}, name=_random_name(seed, seeds))
        for seed in seeds
    ]
    config = BenchConfig(
        system=train.dataset_name,
        data=data,
        num_frames=num_frames,
        eval_stride=stride,
        runs=[
            *(RunConfig(name) for name in FLOORS),
            *(_own_encoder(run, options) for run in random),
            _own_encoder(RunConfig(FROZEN, options=options, name=ENCODER), options),
        ],
        probes={name: {} for name in probes},
        jobs=jobs,
        analyses={},
    )
    bench(config, out, device=device)
    scaler = LabelScaler.of_training(train)
    answer = comparisons(out / "runs", scaler, measured)
    write_json(out / "score.json", _plain(answer))
    return answer


def _random_name(seed: int, seeds: Sequence[int]) -> str:
    return RANDOM if len(seeds) == 1 else f"{RANDOM}_{seed}"


def _own_encoder(run: RunConfig, options: Mapping[str, Any]) -> RunConfig:
    """The encoder in its own column of the table, out of the options of the learner."""
    rest = {k: v for k, v in run.options.items() if k not in ("encoder", "encoder_options")}
    return replace(
        run, encoder=str(options["encoder"]), encoder_options=dict(options.get("encoder_options") or {}), options=rest
    )


def comparisons(runs: Path, scaler: LabelScaler, measured: Measured) -> ScoredEncoder:
    """Table and comparisons out of the runs of a finished benchmark."""
    rows = [_row(folder) for folder in sorted(runs.iterdir()) if (folder / SCORES).is_file()]
    order = {name: i for i, name in enumerate((*FLOORS, RANDOM))}
    rows.sort(key=lambda row: (row.run == f"{ENCODER}-s0", order.get(row.run.rsplit("-s", 1)[0], len(order))))
    own = next(row for row in rows if row.run == f"{ENCODER}-s0")
    floors = [row for row in rows if row is not own and row.probe != "none"]
    floor = min(floors, key=lambda row: row.valid)
    gain = _difference(_predictions(runs, floor), _predictions(runs, own))
    stores = {row.run: _stores(runs / row.run) for row in (floor, own)}
    first, second = (reduced(stores[row.run]) for row in (floor, own))
    alone, together = (_fit(floor.probe, part, scaler) for part in (first, side_by_side(first, second)))
    test = stores[own.run]["test"]
    target = scaler.transform(test.labels, test.parameter_names).numpy()
    increment = _difference((alone, target, test.trajectory), (together, target, test.trajectory))
    labels = _labels(stores, floor, own, scaler)
    found = token_spread(torch.from_numpy(np.array(test.tokens, np.float32)).mean(1))
    return ScoredEncoder(
        rows, floor.run, gain, increment, labels, found.participation, found.constant, measured,
        _warnings(found, own, rows),
    )  # fmt: skip


def _row(folder: Path) -> Row:
    table = [row for row in read_rows(folder / SCORES) if row["level"] == "trajectory"]
    summary = read_record(folder / "summary.json")
    best: dict[str, float] = {
        row["probe"]: row["value"]
        for row in table
        if (row["split"], row["parameter"], row["metric"]) == ("valid", "mean", "mse")
    }
    probe = min(best, key=lambda name: best[name])
    test = {(row["parameter"], row["metric"]): row for row in table if row["split"] == "test" and row["probe"] == probe}
    mean = test["mean", "mse"]
    each = {name: row["value"] for (name, metric), row in test.items() if metric == "mse" and name != "mean"}
    return Row(
        folder.name, summary["label"], summary["kind"], probe, best[probe], mean["value"], mean["ci_low"],
        mean["ci_high"], test["mean", "r2"]["value"], each,
    )  # fmt: skip


Predicted = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Prediction and target with shape ``(windows, P)``, and the trajectory of every window."""


def _predictions(runs: Path, row: Row) -> Predicted:
    found = load_predictions(runs / row.run / f"predictions_{row.probe}.npz")["test"]
    return found.prediction, found.target, found.trajectory


def _difference(floor: Predicted, other: Predicted) -> tuple[float, float, float]:
    """MSE of the first minus MSE of the second, per trajectory; positive is in favour of the second."""
    first, names = cluster_means(floor[0], floor[2])
    second, _ = cluster_means(other[0], other[2])
    target, _ = cluster_means(floor[1], floor[2])
    found = paired_difference(first, second, target, names)
    value, low, high = (float(np.asarray(part)[-1]) for part in found[:3])
    return value, low, high


def _stores(folder: Path) -> dict[str, TokenStore]:
    return {split: TokenStore.open(folder / "tokens" / split) for split in SPLITS}


def _fit(probe: str, stores: Mapping[str, TokenStore], scaler: LabelScaler) -> np.ndarray:
    """Predictions of test by a probe that was fitted on train and valid."""
    fitted = build(probe, PROBES, "probe", {}, {"seed": 0})
    fit_splits(fitted, stores, scaler.of_stores(stores))
    return fitted.predict(stores["test"].tokens).numpy()


def _labels(stores: Mapping[str, dict[str, TokenStore]], floor: Row, own: Row, scaler: LabelScaler) -> dict[str, float]:
    """With how many labelled trajectories either reaches what the other reaches with all."""
    curves: dict[str, tuple[list[float], list[float]]] = {}
    for row in (floor, own):
        numbers, values = [], []
        for share in SHARES:
            drawn = [subset(stores[row.run], share, [0, draw]) for draw in range(3 if share < 1 else 1)]
            parts = [part for part in drawn if part is not None]
            if parts:
                probe = build(row.probe, PROBES, "probe", {}, {"seed": 0})
                values.append(float(np.mean([trajectory_mse(probe, part, scaler)["mean"] for part in parts])))
                numbers.append(float(parts[0]["train"].n_trajectories))
        curves[row.run] = (numbers, values)
    return {
        "all": float(stores[own.run]["train"].n_trajectories),
        "encoder": trajectories_until(*curves[own.run], curves[floor.run][1][-1]),
        "floor": trajectories_until(*curves[floor.run], curves[own.run][1][-1]),
    }


def _warnings(tokens: Spread, own: Row, rows: Sequence[Row]) -> list[str]:
    found = collapse_in_words(tokens)
    random = [row for row in rows if row.run.startswith(RANDOM)]
    if random and own.mse >= min(row.mse for row in random):
        found.append("its own random weights read as much or more: its training taught nothing of these parameters")
    if own.mse >= 1:
        found.append("the encoder reads no more than a constant")
    return found


def _plain(answer: ScoredEncoder) -> dict[str, Any]:
    values = dict(vars(answer))
    values["rows"] = [dict(vars(row)) for row in answer.rows]
    values["measured"] = dict(vars(answer.measured))
    values["labels"] = {key: value if np.isfinite(value) else None for key, value in answer.labels.items()}
    return values


__all__ = ["Measured", "Row", "ScoredEncoder", "comparisons", "feed_batch", "score"]

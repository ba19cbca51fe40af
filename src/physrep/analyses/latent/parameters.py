"""Ridge probes of every parameter that varies: nested cross-validation, several seeds, intervals over simulations."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...metrics import bootstrap, paired_difference
from ...metrics.score import Score
from ...metrics.skill import mean
from ...metrics.spacing import evenly_spaced
from ...probes.ridge import STRONG_PENALTIES, Ridge
from ..base import Rows
from .analysis import LatentAnalysis
from .context import LEVELS, LatentContext, features, result

FRAMES_TO_FIT = 3
"""Frames per simulation that the frame-level probe is fitted on; it is scored on all."""


@dataclass
class OutOfFold:
    """Out-of-fold predictions of all seeds: simulation ``(n,)``, truth and prediction ``(n, P)``; R² per seed."""

    cluster: list[np.ndarray] = field(default_factory=list)
    true: list[np.ndarray] = field(default_factory=list)
    predicted: list[np.ndarray] = field(default_factory=list)

    def pooled(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.concatenate(self.cluster), np.concatenate(self.true), np.concatenate(self.predicted)

    def r2(self, folds: int) -> np.ndarray:
        """Per seed and target, ``(seeds, P)``: all folds of a seed are scored together."""
        scores = []
        for first in range(0, len(self.true), folds):
            true = np.concatenate(self.true[first : first + folds])
            error = np.square(np.concatenate(self.predicted[first : first + folds]) - true).sum(0)
            scores.append(1 - error / np.square(true - true.mean(0)).sum(0))
        return np.array(scores)


class Parameters(LatentAnalysis):
    """Ridge probes of every parameter that varies: at every level, under other colours, and against the reference."""

    name = "parameters"
    nothing = "no parameter varies"

    def answer(self, context: LatentContext) -> Rows:
        rows: Rows = []
        for name, own in context.sets.items():
            varying = [p for p in own["parameters"] if np.ptp(context.parameter(p, context.rows(name))) > 0]
            if not varying:
                continue
            targets = np.stack([scored_parameter(context, name, p) for p in varying], 1)
            for level in LEVELS:
                found = {m: probe(context, name, targets, m, level) for m in context.stores}
                for modality, kinds in found.items():
                    for colours, predictions in kinds.items():
                        shown = level if colours == "" else f"{level}@{colours}"
                        rows += _scored(context, name, varying, shown, modality, predictions)
                base = found[context.reference][""]
                for modality, kinds in found.items():
                    if modality != context.reference and len(kinds[""].true[0]) == len(base.true[0]):
                        rows += _differences(name, varying, level, modality, kinds[""], base)
        return rows


def scored_parameter(context: LatentContext, name: str, parameter: str) -> np.ndarray:
    """The parameter as it is scored (its logarithm, where the system says so), NaN in other sets."""
    target = np.full(len(context), np.nan)
    rows = context.rows(name)
    values = context.parameter(parameter, rows)
    target[rows] = np.log(values) if context.sets[name]["parameters"][parameter] == "log" else values
    return target


def probe(context: LatentContext, name: str, targets: np.ndarray, modality: str, level: str) -> dict[str, OutOfFold]:
    """Predictions with the colours of training (key ``""``) and with every other colour map."""
    stores = {"": context.stores[modality]}
    stores |= {colours: own[modality] for colours, own in context.nuisance.items() if modality in own}
    found = {colours: OutOfFold() for colours in stores}
    for seed in range(context.seeds):
        for train, test in context.divisions(name, seed):
            x, y, groups = features(stores[""], train, level), targets[train], train
            centre, spread = y.mean(0), np.maximum(y.std(0), 1e-12)
            if level == "frame":
                steps = evenly_spaced(x.shape[1], FRAMES_TO_FIT)
                x = x[:, steps].reshape(-1, x.shape[-1])
                y, groups = np.repeat(y, len(steps), 0), np.repeat(train, len(steps))
            fitted = Ridge(STRONG_PENALTIES).fit_grouped(x, (y - centre) / spread, groups, seed=seed)
            for colours, store in stores.items():
                shown = features(store, test, level)
                times = shown.shape[1] if level == "frame" else 1
                predicted = fitted.predict_array(shown.reshape(-1, shown.shape[-1])) * spread + centre
                found[colours].cluster.append(np.repeat(test, times))
                found[colours].true.append(np.repeat(targets[test], times, 0))
                found[colours].predicted.append(predicted)
    return found


def _scored(
    context: LatentContext, name: str, names: list[str], level: str, modality: str, predictions: OutOfFold
) -> Rows:  # fmt: skip
    rows: Rows = []
    cluster, true, predicted = predictions.pooled()
    folds = len(predictions.true) // context.seeds
    simulations, index = np.unique(cluster, return_inverse=True)
    counts = np.bincount(index)
    per_seed = predictions.r2(folds)
    for k, parameter in enumerate(names):
        r2 = Score.of_first(bootstrap(predicted[:, k : k + 1], true[:, k : k + 1], cluster, "r2"))
        error = np.bincount(index, np.abs(predicted[:, k] - true[:, k]), len(simulations))
        place = ("parameters", name, parameter, level, modality)
        rows.append(result(*place, "r2", r2, per_seed[:, k].tolist()))
        rows.append(result(*place, "mae", mean(error, counts)))
        if "@" not in level:
            key = f"{name}/{parameter}/{level}/{modality}"
            context.arrays[key] = np.stack([cluster, true[:, k], predicted[:, k]])
    return rows


def _differences(
    name: str, names: list[str], level: str, modality: str, own: OutOfFold, base: OutOfFold
) -> Rows:  # fmt: skip
    """R² minus that of the reference, paired by simulation."""
    rows: Rows = []
    (cluster, true, predicted), (_, _, other) = own.pooled(), base.pooled()
    for k, parameter in enumerate(names):
        ours, theirs, target = (a[:, k : k + 1] for a in (predicted, other, true))
        found = Score.of_first(paired_difference(ours, theirs, target, cluster, "r2"))
        rows.append(result("parameters", name, parameter, level, modality, "r2_minus_reference", found))
    return rows

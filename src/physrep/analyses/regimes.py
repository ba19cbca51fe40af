"""Regimes of flow from frozen tokens: classification beside regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data.names import SPLITS
from ..files import write_json
from ..metrics.classification import calibration_bins, confusion, score_classes
from ..probes.classes import log_loss
from ..progress import each
from ..streams import say_line
from .base import IDENTITY, Analysis, Context, Rows
from .classifier import fit_classes
from .frame_quantities import frame_quantities
from .regime_rules import REGIMES, Regimes
from .token_moments import moments_by_split

NOTE = "regimes_note.json"
MAJORITY = {"run": "majority", "title": "majority", "learner": "majority", "encoder": "", "kind": "floor", "seed": 0}
"""Identity of the floor: the most frequent regime of train for every window, with the shares of train as probability.
"""


class RegimeClassification(Analysis):
    """Which regime (`physrep.analyses.regime_rules`) a window is in, from the pooled tokens of every run.

    Multinomial logistic regression (`physrep.analyses.classifier`), C chosen on valid, scored once on test: macro-F1
    and balanced accuracy with intervals by a bootstrap over trajectories, expected calibration error over 10 equal bins
    of confidence, the filled bins themselves, log loss, and the confusion counts. The run ``majority`` is the floor.

    A regime with fewer than ``least`` trajectories in train is dropped from all splits. With fewer than two regimes
    left, or no rule for the system, the table is empty; ``analyses/regimes_note.json`` says either in a sentence.

    Args:
        least: trajectories that a regime needs in train.
    """

    columns = (*IDENTITY, "metric", "label", "predicted", "value", "ci_low", "ci_high", "n_windows", "n_trajectories",
               "strength")  # fmt: skip

    def __init__(self, least: int = 5) -> None:
        self.least = least

    def rows(self, context: Context) -> Rows:
        """See `Analysis.rows`."""
        labelled, names, notes = self._labels(context)
        write_json(context.out / "analyses" / NOTE, {"sentences": notes})
        for note in notes:
            say_line(note)
        if len(names) < 2:
            return []
        keep = {split: label >= 0 for split, label in labelled.items()}
        target = {split: label[keep[split]] for split, label in labelled.items()}
        cluster = context.stores(context.runs[0])["test"].trajectory[keep["test"]]
        share = np.bincount(target["train"], minlength=len(names)) / len(target["train"])
        floor = np.broadcast_to(share, (len(cluster), len(names)))
        rows = classifier_rows(MAJORITY, floor, target["test"], cluster, names, context.n_resamples)
        for run in each(context.runs, "regimes", "runs"):
            features = {split: part.numpy()[keep[split]] for split, part in moments_by_split(context, run).items()}
            probability, strength = fit_classes(features, target, len(names))
            rows += classifier_rows(
                run.identity(), probability, target["test"], cluster, names, context.n_resamples, strength
            )
        return rows

    def _labels(self, context: Context) -> tuple[dict[str, np.ndarray], tuple[str, ...], list[str]]:
        """Regime of every window by split (-1: dropped), names of the regimes that are left, and sentences."""
        found = frame_quantities(context) if context.runs else {}
        rules = REGIMES.get(context.splits["train"].dataset_name) if found else None
        known = {q.name for q in found["train"].quantities} if found else set()
        if rules is None or not set(rules.needs) <= known:
            return {}, (), [f"No rule says which regimes {context.system} has in these fields."]
        raw, trajectories = {}, {}
        for split, store in context.stores(context.runs[0]).items():
            index = store.start[:, None] + context.data.frame_step * np.arange(context.num_frames)
            frames = {name: found[split].series(name)[store.trajectory[:, None], index] for name in rules.needs}
            raw[split], trajectories[split] = rules.rule(frames), store.trajectory
        return choose_regimes(raw, trajectories, rules, self.least)


def choose_regimes(
    raw: dict[str, np.ndarray], trajectories: dict[str, np.ndarray], rules: Regimes, least: int
) -> tuple[dict[str, np.ndarray], tuple[str, ...], list[str]]:
    """Drop regimes that are too rare in train, number the others anew, and say what was done."""
    counts = [len(np.unique(trajectories["train"][raw["train"] == k])) for k in range(len(rules.names))]
    left = [k for k, count in enumerate(counts) if count >= least]
    notes = [
        f"The regime {rules.names[k]} has {count} trajectories in train, fewer than {least}: its windows were left out."
        for k, count in enumerate(counts)
        if count < least
    ]
    if len(left) < 2:
        only = f"only {rules.names[left[0]]} is left" if left else "none is left"
        notes.append(f"Of the regimes {', '.join(rules.names)}, {only}: there is nothing to classify.")
    number = np.full(len(rules.names), -1)
    number[left] = np.arange(len(left))
    names = tuple(rules.names[k] for k in left)
    return {split: number[raw[split]] for split in SPLITS}, names, notes


def classifier_rows(
    identity: dict[str, Any],
    probability: np.ndarray,
    target: np.ndarray,
    cluster: np.ndarray,
    names: tuple[str, ...],
    n_resamples: int,
    strength: float | str = "",
) -> Rows:
    """All rows of one classifier, from its probabilities on test."""
    predicted = probability.argmax(1)
    common = {**identity, "n_windows": len(target), "n_trajectories": len(np.unique(cluster)), "strength": strength}

    def row(metric: str, value: Any, label: str = "all", guess: str = "", low: Any = "", high: Any = "") -> dict:
        return {**common, "metric": metric, "label": label, "predicted": guess, "value": value,
                "ci_low": low, "ci_high": high}  # fmt: skip

    scores = score_classes(target, predicted, cluster, len(names), n_resamples=n_resamples)
    rows = [row(metric, value, low=low, high=high) for metric, (value, low, high) in scores.items()]
    error, bins = calibration_bins(probability, target)
    rows += [row("calibration_error", error), row("log_loss", log_loss(probability, target))]
    for k, (count, confidence, accuracy) in enumerate(bins):
        if count:
            label = f"{k / len(bins):.1f}-{(k + 1) / len(bins):.1f}"
            rows += [row("bin_count", int(count), label), row("bin_confidence", confidence, label),
                     row("bin_accuracy", accuracy, label)]  # fmt: skip
    counts = confusion(target, predicted, len(names))
    return rows + [
        row("confusion", int(counts[i, j]), true, guess)
        for i, true in enumerate(names)
        for j, guess in enumerate(names)
    ]

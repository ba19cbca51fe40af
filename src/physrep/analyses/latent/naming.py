"""The kind of physics, named from single trajectories by a fixed rule (`physrep.analyses.latent.kinds`); its faults."""

from __future__ import annotations

import numpy as np

from ...errors import PhysrepError
from ...metrics.score import Score
from ...metrics.skill import mean
from ...probes.ridge import STRONG_PENALTIES, Ridge
from ..base import Rows
from .analysis import LatentAnalysis
from .context import LatentContext, result
from .kinds import KIND_OF, KINDS, SHORTEST, signature

POOLED, TOKENS = "pooled", "tokens"
"""Readings: the mean over space, or all spatial tokens in their places."""


class Naming(LatentAnalysis):
    """Accuracy of the rule, right answers per set, and, as a ceiling, a classifier with labels on the same numbers."""

    name = "naming"
    nothing = "no run gives a trajectory to name"

    def answer(self, context: LatentContext) -> Rows:
        """See `LatentAnalysis.answer`.

        Raises:
            PhysrepError: a set of no known kind, or an embedding of too few times.
        """
        for name, own in context.sets.items():
            if own["equation"] not in KIND_OF:
                raise PhysrepError(
                    f"naming does not know of what kind {own['equation']} (set {name}) is; take it out, or naming "
                    "out of analyses."
                )
        truth = np.array([KINDS.index(KIND_OF[context.sets[own["set"]]["equation"]]) for own in context.simulations])
        counts, tested = np.bincount(truth, minlength=len(KINDS)), context.tested()
        # Kinds count alike, however many simulations they have.
        weight = len(context) / ((counts > 0).sum() * counts[truth])
        chance = 1 / (counts > 0).sum()
        context.arrays["naming/sets"] = np.array([list(context.sets).index(own["set"]) for own in context.simulations])
        rows: Rows = [result("naming", "all", "kind", "any", context.reference, "chance", _exact(chance))]
        for modality in context.stores:
            for level in (POOLED, TOKENS):
                trajectories = _trajectories(context, modality, level)
                if trajectories is None:
                    continue
                if trajectories.shape[1] < SHORTEST:
                    raise PhysrepError(
                        f"{modality}: naming needs at least {SHORTEST} times per simulation, not "
                        f"{trajectories.shape[1]}; choose longer trajectories or a smaller stride."
                    )
                found = [signature(own) for own in trajectories]
                answer = np.array([KINDS.index(own.kind) for own in found])
                numbers = np.array([[own.turn, own.decay, own.gain] for own in found])
                hits = (answer == truth).astype(float)
                context.arrays[f"naming/{level}/{modality}"] = np.stack([hits, weight])
                context.arrays[f"signatures/{level}/{modality}"] = numbers
                table = np.zeros((len(context.sets), len(KINDS)))
                place = ("naming", "all")
                rows.append(result(*place, "kind", level, modality, "accuracy", mean(hits * weight, weight)))
                for i, name in enumerate(context.sets):
                    own = context.rows(name)
                    table[i] = np.bincount(answer[own], minlength=len(KINDS)) / len(own)
                    rows.append(result(*place, name, level, modality, "recall", mean(hits[own])))
                context.arrays[f"confusion/{level}/{modality}"] = table
                if chance < 1:
                    labelled, per_seed = _with_labels(context, numbers, truth, weight)
                    own = mean(labelled[tested], weight[tested])
                    rows.append(result(*place, "kind, with labels", level, modality, "accuracy", own, per_seed))
        return rows


def _trajectories(context: LatentContext, modality: str, level: str) -> np.ndarray | None:
    """``(S, t, D)``; pixels keep their places in their frames, so their pooled reading is the mean colour."""
    store, pixels = context.stores[modality], modality in context.pixels()
    if level == POOLED:
        return np.asarray(store.grid, np.float32).mean((2, 3)) if pixels and store.grid is not None else store.frames
    if pixels:
        return store.frames
    return None if store.grid is None else store.grid.reshape(*store.grid.shape[:2], -1)


def _with_labels(
    context: LatentContext, numbers: np.ndarray, truth: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, list[float]]:
    """Weighted hits of a linear classifier of the numbers, their logarithms and their products, out of fold."""
    turn, decay, gain = numbers.T
    squashed = np.stack([turn, np.log(np.maximum(decay, 1e-2)), np.log(np.maximum(gain, 1e-6))], 1)
    products = [squashed[:, i] * squashed[:, j] for i in range(3) for j in range(i, 3)]
    x = np.concatenate([squashed, np.stack(products, 1)], 1)
    hits, per_seed = np.zeros(len(truth)), []
    for seed in range(context.seeds):
        own = np.zeros(len(truth))
        for train, test in context.divisions(None, seed):
            targets = np.eye(len(KINDS))[truth[train]]
            probe = Ridge(STRONG_PENALTIES).fit_grouped(x[train], targets, context.numbers(train), seed=seed)
            own[test] = probe.predict_array(x[test]).argmax(1) == truth[test]
        per_seed.append(float((own * weight)[context.tested()].mean()))
        hits += own * weight / context.seeds
    return hits, per_seed


def _exact(value: float) -> Score:
    return Score(float(value), np.nan, np.nan)

"""Linear latent dynamics of every modality: per equation and shared, both orders, sweep, DMD, shuffled time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...metrics.score import Score
from ...metrics.skill import mean, skill, skill_difference
from ..base import Rows
from ..principal import principal
from .analysis import LatentAnalysis
from .context import LatentContext, result
from .dynamics import dmd_eigenvalues, fit_operator, shuffled_time, spectral_distance
from .rollout_scores import Scores, joined_folds, rollout_scores

SWEEP = (2, 4, 8, 16, 32, 64)
"""Numbers of components of the sweep."""


SHORTEST = 4
"""Times that rollouts of both orders need."""


class Koopman(LatentAnalysis):
    """Linear dynamics ``z(t+1) = A z(t) + b`` in the embedding of every run: rollouts, order, spectrum, sweep.

    Every simulation of test is in test once (the folds of seed 0); intervals are over simulations. See
    `physrep.analyses.latent.dynamics` and `physrep.analyses.latent.rollout_scores`.

    Args:
        components: principal components, fitted on the training simulations of each fold.
    """

    name = "koopman"
    nothing = "no run gives 4 times per trajectory; choose a smaller eval_stride or longer trajectories"

    def __init__(self, components: int = 32) -> None:
        self.components = components

    def answer(self, context: LatentContext) -> Rows:
        rows: Rows = []
        for modality, store in context.stores.items():
            if len(store.times) < SHORTEST:
                continue
            for name in context.sets:
                rows += _own(context, name, modality, self.components)
            if len(context.sets) > 1:
                rows += _shared(context, modality, self.components)
        return rows


def _own(context: LatentContext, name: str, modality: str, components: int) -> Rows:
    frames = context.stores[modality].frames
    parts: dict[str, list[Scores]] = {}
    radius: dict[int, list[float]] = {1: [], 2: []}
    distance: dict[int, list[float]] = {1: [], 2: []}
    sweep: dict[int, list[np.ndarray]] = {}
    for fold, (train, test) in enumerate(context.divisions(name, 0)):
        axes = principal(frames[train], max(components, *SWEEP))
        z, z_test, back = axes.project(frames[train]), axes.project(frames[test]), axes.mean @ axes.axes
        k = min(components, z.shape[-1])
        for order in (1, 2):
            operator = fit_operator(z[..., :k], order)
            own = rollout_scores(operator, z_test[..., :k], z[..., :k].mean(0), back[:k])
            parts.setdefault(f"order {order}", []).append(own)
            control = fit_operator(shuffled_time(z[..., :k], fold), order)
            own = rollout_scores(control, z_test[..., :k], z[..., :k].mean(0), back[:k])
            parts.setdefault(f"shuffled time, order {order}", []).append(own)
            eigenvalues = operator.eigenvalues
            radius[order].append(float(np.abs(eigenvalues[0])))
            distance[order].append(spectral_distance(eigenvalues, dmd_eigenvalues(z[..., :k], order)))
            if fold == 0:
                context.arrays[f"spectrum/{name}/{modality}/{order}"] = eigenvalues
        for size in SWEEP:
            if size <= z.shape[-1]:
                sweep.setdefault(size, []).append(_truncated(z, z_test, size))
    found = {target: joined_folds(own) for target, own in parts.items()}
    rows = _rows(name, modality, found)
    for order in (1, 2):
        place = ("koopman", name, f"order {order}", "frame", modality)
        rows.append(result(*place, "spectral_radius", _spread(radius[order]), radius[order]))
        rows.append(result(*place, "dmd_distance", _spread(distance[order]), distance[order]))
    for size, sums in sweep.items():
        error, baseline = np.concatenate(sums, 1)
        rows.append(result("koopman", name, f"{size} components", "frame", modality, "sweep", skill(error, baseline)))
    first = found["order 1"]
    sums = [own.sum(1) for own in (first.error, found["order 2"].error, first.best)]
    context.arrays[f"rollouts/{name}/{modality}"] = np.stack(sums)
    # The curve of the figure: error over that of the better baseline, step by step.
    context.arrays[f"koopman/{name}/{modality}"] = first.error.sum(0) / np.maximum(first.best.sum(0), 1e-300)
    return rows


def _rows(name: str, modality: str, found: Mapping[str, Scores]) -> Rows:
    rows: Rows = []
    for target, own in found.items():
        error, best = own.error.sum(1), own.best.sum(1)
        scores = {
            "skill": skill(error, best),
            "rollout_r2_persistence": skill(error, own.still.sum(1)),
            "rollout_r2_mean_trajectory": skill(error, own.common.sum(1)),
            "one_step_skill": skill(own.step_error.sum(1), own.step_best.sum(1)),
            "one_step_r2_persistence": skill(own.step_error.sum(1), own.step_still.sum(1)),
            "rollout_cosine": mean(own.cosine.mean(1)),
            "rollout_centred_cosine": mean(own.centred.mean(1)),
        }
        rows += [result("koopman", name, target, "frame", modality, key, value) for key, value in scores.items()]
    one, two = found["order 1"], found["order 2"]
    gain = skill_difference(two.error.sum(1), one.error.sum(1), one.best.sum(1))
    rows.append(result("koopman", name, "order 2 - order 1", "frame", modality, "gain", gain))
    still = mean(one.still_cosine.mean(1))
    rows.append(result("koopman", name, "persistence", "frame", modality, "rollout_cosine", still))
    return rows


def _shared(context: LatentContext, modality: str, components: int) -> Rows:
    """One operator for all equations against one per equation, in the components of all."""
    frames = context.stores[modality].frames
    parts: dict[tuple[str, str], list[Scores]] = {}
    for train, test in context.divisions(None, 0):
        axes = principal(frames[train], components)
        z, back = axes.project(frames[train]), axes.mean @ axes.axes
        shared = fit_operator(z, 1)
        for name in context.sets:
            own = np.isin(train, context.rows(name))
            z_test = axes.project(frames[np.intersect1d(test, context.rows(name))])
            for kind, operator in (("shared operator", shared), ("own operator", fit_operator(z[own], 1))):
                parts.setdefault((name, kind), []).append(rollout_scores(operator, z_test, z[own].mean(0), back))
    rows: Rows = []
    for name in context.sets:
        shared, own = joined_folds(parts[name, "shared operator"]), joined_folds(parts[name, "own operator"])
        best = own.best.sum(1)
        for kind, error in (("shared operator", shared.error), ("own operator", own.error)):
            rows.append(result("koopman", name, kind, "frame", modality, "skill", skill(error.sum(1), best)))
        cost = skill_difference(own.error.sum(1), shared.error.sum(1), best)
        rows.append(result("koopman", name, "own - shared", "frame", modality, "gain", cost))
    return rows


def _truncated(z: np.ndarray, z_test: np.ndarray, size: int) -> np.ndarray:
    """Errors of a first-order rollout in ``size`` components, scored in all of them: ``(2, n)``, model and baseline.

    Components that are left out stay as they were, so a small latent space pays for what it cannot show.
    """
    common = z.mean(0)
    own = rollout_scores(fit_operator(z[..., :size], 1), z_test[..., :size], common[:, :size], np.zeros(size))
    rest = np.square(z_test[:, 2:, size:] - z_test[:, 1:2, size:]).sum((1, 2))
    still = np.square(z_test[:, 2:] - z_test[:, 1:2]).sum(-1)
    mean_error = np.square(z_test[:, 2:] - common[2:]).sum(-1)
    best = np.where(still.sum(0) < mean_error.sum(0), still, mean_error)
    return np.stack([own.error.sum(1) + rest, best.sum(1)])


def _spread(values: list[float]) -> Score:
    """Mean and range over the folds, which share simulations: a spread, not an interval."""
    return Score(float(np.mean(values)), float(np.min(values)), float(np.max(values)))

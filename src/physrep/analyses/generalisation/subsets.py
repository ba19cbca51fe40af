"""Probes that see one part of the parameters only, against probes that see as much of everything."""

from __future__ import annotations

import numpy as np

from .probed import ProbedRun
from .shift import Outcome
from .study import ShiftStudy

FEWEST = 5
"""Trajectories that a part of a split must hold to be fitted or scored."""

Masks = dict[str, np.ndarray]
"""Per split, which windows are meant."""


def trajectory_labels(run: ProbedRun, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Z-scored parameters of the trajectories of a split with shape ``(G, P)``, and the trajectory of every window."""
    _, first, index = np.unique(run.trajectory[split], return_index=True, return_inverse=True)
    return run.labels[split].double().numpy()[first], index


def held_out_outcome(
    study: ShiftStudy, run: ProbedRun, subject: str, level: str, held: dict[str, np.ndarray]
) -> Outcome | str:
    """Errors on the held-out test trajectories of two probes of equally many trajectories.

    The first probe is fitted on the train trajectories that are not held out, its settings chosen on such trajectories
    of valid. The second one is fitted and chosen on random ones, as many, of the whole range. What the second does
    better is due to the range alone.

    Args:
        study, run: what is asked of whom.
        subject, level: of the outcome.
        held: per split, which trajectories are held out (in the order of their numbers).
    """
    for split, least in (("train", FEWEST), ("valid", 2)):
        if (~held[split]).sum() < least:
            return f"{subject}, {level}: only {(~held[split]).sum()} trajectories of {split} are not held out."
    if held["test"].sum() < FEWEST:
        return f"{subject}, {level}: only {held['test'].sum()} test trajectories are held out, too few for a score."
    restricted: Masks = {}
    random: Masks = {}
    draw = np.random.default_rng(np.random.SeedSequence([study.seed, *f"{subject} {level}".encode()]))
    means = {}
    for split in ("train", "valid"):
        labels, index = trajectory_labels(run, split)
        seen = ~held[split]
        subset = np.zeros(len(labels), bool)
        subset[draw.permutation(len(labels))[: seen.sum()]] = True
        restricted[split], random[split] = seen[index], subset[index]
        means[split] = labels[seen].mean(0)
    _, index = trajectory_labels(run, "test")
    rows = np.flatnonzero(held["test"][index])
    beyond, within = (
        run.fit(masks["train"], masks["valid"]).predict(run.tokens["test"][rows]).double().numpy()
        for masks in (restricted, random)
    )
    target = run.labels["test"].double().numpy()[rows]
    return Outcome.of(subject, level, beyond, within, target, run.trajectory["test"][rows], means["train"])

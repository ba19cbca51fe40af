"""Which set does a simulation come from? A linear classifier; pairs stay on one side of every fold."""

from __future__ import annotations

import numpy as np

from ...metrics.skill import mean
from ...probes.ridge import STRONG_PENALTIES, Ridge
from ..evidence import READINGS
from .context import Context, Rows, features, result


def classification(context: Context) -> Rows:
    """Ridge on one-hot sets, nested cross-validation; balanced accuracy, so that sets of unequal size count alike."""
    rows: Rows = []
    data = context.data
    names = list(data.sets)
    kind = np.array([names.index(own["set"]) for own in data.simulations])
    weight = len(data) / (len(names) * np.bincount(kind))[kind]
    for level in READINGS:
        for modality, store in context.stores.items():
            hits, per_seed = np.zeros(len(data)), []
            for seed in range(context.config.splits):
                own = np.zeros(len(data))
                for train, test in context.divisions(None, seed):
                    # Two that start alike have one number: the inner folds keep them together too.
                    groups = context.numbers(train)
                    targets = np.eye(len(names))[kind[train]]
                    probe = Ridge(STRONG_PENALTIES)
                    probe.fit_grouped(features(store, train, level), targets, groups, seed=seed)
                    own[test] = probe.predict_array(features(store, test, level)).argmax(1) == kind[test]
                per_seed.append(float((own * weight).mean()))
                hits += own / context.config.splits
            context.arrays[f"classification/{level}/{modality}"] = np.stack([hits, weight])
            found = mean(hits * weight, weight)
            rows.append(result("classification", "all", "set", level, modality, "accuracy", found, per_seed))
    return rows

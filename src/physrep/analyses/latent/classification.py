"""Which set does a simulation come from? A linear classifier; pairs stay on one side of every fold."""

from __future__ import annotations

import numpy as np

from ...metrics.skill import mean
from ...probes.ridge import STRONG_PENALTIES, Ridge
from ..base import Rows
from .analysis import LatentAnalysis
from .context import LatentContext, features, result
from .evidence import READINGS


class Classification(LatentAnalysis):
    """Which set does a simulation come from? Ridge on one-hot sets, out of fold; pairs stay on one side.

    Balanced accuracy, so that sets of unequal size count alike.
    """

    name = "classification"
    nothing = "there is one set of simulations only, so there is nothing to tell apart"

    def answer(self, context: LatentContext) -> Rows:
        rows: Rows = []
        names, tested = list(context.sets), context.tested()
        if len(names) < 2:
            return rows
        kind = np.array([names.index(own["set"]) for own in context.simulations])
        weight = len(tested) / (len(names) * np.bincount(kind[tested], minlength=len(names)))[kind]
        for level in READINGS:
            for modality, store in context.stores.items():
                hits, per_seed = np.zeros(len(context)), []
                for seed in range(context.seeds):
                    own = np.zeros(len(context))
                    for train, test in context.divisions(None, seed):
                        # Two that start alike have one number: the inner folds keep them together too.
                        groups = context.numbers(train)
                        x, targets = features(store, train, level), np.eye(len(names))[kind[train]]
                        probe = Ridge(STRONG_PENALTIES).fit_grouped(x, targets, groups, seed=seed)
                        own[test] = probe.predict_array(features(store, test, level)).argmax(1) == kind[test]
                    per_seed.append(float((own * weight)[tested].mean()))
                    hits += own / context.seeds
                context.arrays[f"classification/{level}/{modality}"] = np.stack([hits, weight])[:, tested]
                found = mean((hits * weight)[tested], weight[tested])
                rows.append(result("classification", "all", "set", level, modality, "accuracy", found, per_seed))
        return rows

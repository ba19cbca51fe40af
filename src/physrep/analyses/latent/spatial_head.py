"""Whether knowing the diffusivity helps to predict the next spatial tokens, in all variants of the head."""

from __future__ import annotations

import numpy as np

from ...metrics.skill import skill, skill_difference
from ..base import Rows
from .analysis import LatentAnalysis
from .context import LatentContext, result
from .token_head import CONDITIONS, VARIANTS, Sums, head_errors, token_sums

CONTROLS = CONDITIONS[1:]

METRIC = "r2_persistence"


HEAT = ("heat", "heat_fixed_edges", "heat_ftcs")
"""Equations of which the published head is one explicit step."""


class SpatialHead(LatentAnalysis):
    """Does knowing the diffusivity help to predict the next spatial tokens? See `physrep.analyses.latent.token_head`.

    Every simulation of test is in test once (the folds of seed 0); intervals are over simulations. Only sets of heat
    are asked, and runs whose tokens lie on a grid.
    """

    name = "spatial_head"
    nothing = "no set is one of heat with a parameter diffusivity, or no run has tokens on a grid"

    def answer(self, context: LatentContext) -> Rows:
        rows: Rows = []
        for name, own in context.sets.items():
            if own["equation"] not in HEAT or "diffusivity" not in own["parameters"]:
                continue
            own_rows = context.rows(name)
            alpha = context.parameter("diffusivity", own_rows)
            for modality, store in context.stores.items():
                if store.grid is None:
                    continue
                grid = store.grid[own_rows[0] : own_rows[-1] + 1]
                # All variants share two sets of sums: tokens as they are, and standardised by each fold's training.
                raw: Sums | None = None
                sums: dict[tuple[str, str], list[np.ndarray]] = {}
                for fold, (train, test) in enumerate(context.divisions(name, 0)):
                    inside, outside = train - own_rows[0], test - own_rows[0]
                    if raw is None:
                        raw = token_sums(grid, inside, False, max(v.channels or 0 for v in VARIANTS.values()))
                    standardised = token_sums(grid, inside, True)
                    for key, variant in VARIANTS.items():
                        given = standardised if variant.standardise else raw
                        # A kernel can depend on the logarithm, which is spread evenly; a factor has to be α itself.
                        logarithmic = variant.kernel and own["parameters"]["diffusivity"] == "log"
                        parameter = np.log(alpha) if logarithmic else alpha
                        for kind, values in head_errors(given, parameter, inside, outside, variant, fold).items():
                            sums.setdefault((key, kind), []).append(values)
                for key in VARIANTS:
                    errors = {kind: np.concatenate(sums[key, kind]) for kind in (*CONDITIONS, "still")}
                    for kind in CONDITIONS:
                        found = skill(errors[kind], errors["still"])
                        rows.append(result("spatial_head", name, f"{key}, {kind}", "tokens", modality, METRIC, found))
                    best = min(CONTROLS, key=lambda kind: errors[kind].sum())
                    gain = skill_difference(errors["real"], errors[best], errors["still"])
                    rows.append(result("spatial_head", name, key, "tokens", modality, "gain", gain))
        return rows

"""Random train/test splits of the simulations: by simulation, pairs kept together, parameters stratified.

Frames of one simulation are never on both sides, and neither are two simulations that start from the same field. Every
set is sorted by its first parameter and cut into blocks of about 1/test simulations; one of each block, at random, goes
to test, so that both sides cover the range of the parameter evenly in every split.
"""

from __future__ import annotations

import numpy as np

from .config import StudyConfig
from .data import StudyData


def split_rows(config: StudyConfig, data: StudyData, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of train and of test, over all sets, in ascending order.

    Args:
        config: its ``test`` is the share of test.
        data: the simulations.
        seed: of the choice.
    """
    size = max(2, round(1 / config.test))
    in_test = np.zeros(len(data), dtype=bool)
    chosen: dict[str, set[int]] = {}
    for name, own in config.sets.items():
        if own.matched_to is None:
            rows = data.rows(name)
            first = next(iter(data.sets[name]["parameters"]))
            order = np.argsort(data.parameter(first, rows), kind="stable")
            generator = np.random.default_rng([seed, len(rows), sum(name.encode())])
            blocks = [order[i : i + size] for i in range(0, len(order), size)]
            picked = [int(generator.choice(block)) for block in blocks if len(block) == size]
            chosen[name] = {data.simulations[rows[i]]["number"] for i in picked}
    for row, record in enumerate(data.simulations):
        root = config.sets[record["set"]].matched_to or record["set"]
        in_test[row] = record["number"] in chosen[root]
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)

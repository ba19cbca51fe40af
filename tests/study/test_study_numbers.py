"""Probes and folds on planted truths."""

from __future__ import annotations

import numpy as np

from physrep.study.config import StudyConfig, read_study_config
from physrep.study.context import fold_count, outer_folds
from physrep.study.data import StudyData
from tests.helpers.study_settings import tiny_study


def study_of_pairs() -> tuple[StudyConfig, StudyData]:
    values = tiny_study()
    values["systems"] = {"wave": {"system": "damped_wave"}, "heat": {"system": "heat", "matched_to": "wave"}}
    config = read_study_config(values, "x")
    records = [
        {"set": name, "number": i, "parameters": {"p": float((7 * i) % 24)}}
        for name in config.systems
        for i in range(24)
    ]
    sets = {name: {"parameters": {"p": "linear"}} for name in config.systems}
    return config, StudyData(np.zeros((48, 1, 1, 1)), records, sets, "k")


def test_folds_keep_pairs_together_and_cover_the_range() -> None:
    config, data = study_of_pairs()
    seen = set()
    for seed in range(5):
        folds = outer_folds(config, data, seed)
        assert np.array_equal(folds, outer_folds(config, data, seed))
        assert np.array_equal(folds[:24], folds[24:]), "a pair is divided"
        for fold in range(fold_count(config)):
            # One of each block of four neighbouring values.
            values = sorted(data.simulations[i]["parameters"]["p"] // 4 for i in np.flatnonzero(folds[:24] == fold))
            assert values == [0, 1, 2, 3, 4, 5]
        seen.add(tuple(folds))
    assert len(seen) > 1

"""A study as analyses see it: frozen runs, latent trajectories, folds that keep pairs together."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..analyses import FrozenRun
from ..analyses.latent import LatentContext
from ..learners import Learner
from ..learners.identity import identity
from ..tokens import LatentTrajectories, TokenStore
from ..tokens.folds import name_seed, stratified_folds
from .config import StudyConfig
from .data import StudyData
from .names import label

LEARNERS = {"pixels": "video_pixels", "vjepa2": "frozen_video", "random_vjepa2": "frozen_video",
            "statistics": "statistics"}  # fmt: skip
"""Learners behind the kinds of encoders."""


def latent_context(
    config: StudyConfig,
    data: StudyData,
    encoders: Mapping[str, Learner],
    tokens: Mapping[str, TokenStore],
    coloured: Mapping[str, Mapping[str, TokenStore]],
    out: Path,
) -> LatentContext:
    """What the analyses are given.

    Args:
        config, data: of the study.
        encoders: frozen, in the order of the tables.
        tokens: of every encoder.
        coloured: per further colour map, tokens of encoders that see pictures.
        out: folder of the study.
    """
    runs = [_run(name, learner, config, out) for name, learner in encoders.items()]
    keys = {name: store.meta["key"] for name, store in tokens.items()}
    keys |= {f"{name}@{colours}": own.meta["key"] for colours, group in coloured.items() for name, own in group.items()}
    content = {
        "tokens": keys, "splits": config.splits, "test": config.test, "reference": config.reference,
        "order": list(tokens), "data": data.key,
    }  # fmt: skip
    return LatentContext(
        runs,
        {name: data.sets[name] for name in config.systems},
        data.simulations,
        {name: _latent(store, config, name) for name, store in tokens.items()},
        [outer_folds(config, data, seed) for seed in range(config.splits)],
        fold_count(config),
        config.reference,
        out,
        {
            colours: {name: _latent(store, config, name) for name, store in group.items()}
            for colours, group in coloured.items()
        },
        content,
    )


def _run(name: str, learner: Learner, config: StudyConfig, out: Path) -> FrozenRun:
    own = config.encoders[name]
    registered = LEARNERS.get(own.kind) or (own.source if own.kind == "pretrain" else type(learner).__name__)
    kind = identity(learner, registered).kind
    return FrozenRun(name, label(name, own), registered, "none", own.seed, kind, out / "embeddings" / name)


def _latent(store: TokenStore, config: StudyConfig, name: str) -> LatentTrajectories:
    """Pixels keep their places."""
    return LatentTrajectories.of(store, flat=config.encoders[name].kind == "pixels")


def fold_count(config: StudyConfig) -> int:
    """Number of outer folds, so that about the share ``test`` of the simulations is in test."""
    return max(2, round(1 / config.test))


def outer_folds(config: StudyConfig, data: StudyData, seed: int) -> np.ndarray:
    """Fold of every simulation, with shape ``(S,)``; simulations that start alike are in one fold.

    Args:
        config: its ``test`` is the share of test.
        data: the simulations.
        seed: of the division.
    """
    of_number: dict[str, dict[int, int]] = {}
    for name, own in config.systems.items():
        if own.matched_to is None:
            rows = data.rows(name)
            first = next(iter(data.sets[name]["parameters"]))
            seeds = [seed, len(rows), name_seed(name)]
            folds = stratified_folds(data.parameter(first, rows), fold_count(config), seeds)
            of_number[name] = {data.simulations[i]["number"]: int(f) for i, f in zip(rows, folds, strict=True)}
    root = [config.systems[record["set"]].matched_to or record["set"] for record in data.simulations]
    return np.array([of_number[r][record["number"]] for r, record in zip(root, data.simulations, strict=True)])

"""How a benchmark divides its trajectories: by the splits of the data set, or by nested cross-validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..data.names import SPLITS
from ..errors import PhysrepError, nearest
from ..settings import construct
from .folds import name_seed, stratified_folds

NAMES = ("split", "nested_cv")


@dataclass
class NestedCV:
    """Nested cross-validation by trajectory, for few simulations.

    Every trajectory of the pool is in test once per seed; what a probe chooses is chosen on trajectories that are in
    neither its train nor its test. Folds cover the range of the first parameter alike.

    Attributes:
        folds: outer folds, at least 3: one is test, one valid, the rest train.
        seeds: divisions into folds (0, 1, ...).
        pool: splits of the data set that are divided. ``test`` alone holds what no encoder was trained on.
    """

    folds: int = 4
    seeds: int = 5
    pool: list[str] = field(default_factory=lambda: ["test"])


@dataclass(frozen=True)
class Division:
    """Trajectories of the pooled splits, one after another, and the folds they are in.

    Attributes:
        pool: names of the splits.
        folds: per seed the fold of every trajectory; -1 is never in test.
        count: number of folds.
    """

    pool: tuple[str, ...]
    folds: list[np.ndarray]
    count: int


def read_protocol(values: Mapping[str, Any], where: str = "protocol") -> NestedCV | None:
    """The protocol of a configuration, ``{split: {}}`` (None) or ``{nested_cv: {folds, seeds, pool}}``.

    Raises:
        PhysrepError: another name, more than one, or settings that cannot work.
    """
    for name in values:
        if name not in NAMES:
            raise PhysrepError(f"{where}: there is no protocol {name!r}; {nearest(str(name), list(NAMES))}")
    if len(values) != 1:
        raise PhysrepError(f"{where}: give one of {', '.join(NAMES)}, not {len(values)}.")
    if "split" in values:
        if values["split"]:
            raise PhysrepError(f"{where}: split has no settings; write {{split: {{}}}}.")
        return None
    found: NestedCV = construct(NestedCV, values["nested_cv"] or {}, f"{where}: nested_cv", "docs/protocol.md")
    if found.folds < 3 or found.seeds < 1:
        raise PhysrepError(
            f"{where}: nested_cv has {found.folds} folds and {found.seeds} seeds; give at least 3 folds and 1 seed."
        )
    if not found.pool or len(set(found.pool)) < len(found.pool) or any(split not in SPLITS for split in found.pool):
        raise PhysrepError(f"{where}: nested_cv pools {found.pool}; name some of {', '.join(SPLITS)}, each once.")
    return found


def first_parameters(splits: Mapping[str, Any], name: str) -> dict[str, np.ndarray]:
    """One parameter of every trajectory of every split, from data sets with ``parameters`` and ``parameter_names``."""
    return {
        split: np.asarray(own.parameters, np.float64)[:, list(own.parameter_names).index(name)]
        for split, own in splits.items()
    }


def divide(protocol: NestedCV | None, values: Mapping[str, Sequence[float] | np.ndarray], name: str) -> Division:
    """The division of a data set.

    Args:
        protocol: see `read_protocol`.
        values: per split the first parameter of every trajectory.
        name: of the data set, which seeds the folds.

    Raises:
        PhysrepError: fewer than two trajectories per fold.
    """
    if protocol is None:
        folds = np.concatenate([np.full(len(values[split]), 0 if split == "test" else -1) for split in SPLITS])
        return Division(SPLITS, [folds], 1)
    pooled = np.concatenate([np.asarray(values[split], np.float64) for split in protocol.pool])
    if len(pooled) < 2 * protocol.folds:
        raise PhysrepError(
            f"protocol: {len(pooled)} trajectories of {', '.join(protocol.pool)} are too few for {protocol.folds} "
            "folds; name more splits in pool, or take fewer folds."
        )
    drawn = [
        stratified_folds(pooled, protocol.folds, [seed, len(pooled), name_seed(name)]) for seed in range(protocol.seeds)
    ]
    return Division(tuple(protocol.pool), drawn, protocol.folds)

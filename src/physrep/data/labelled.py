"""Partially labelled data: what reads labels takes the trajectories that have them, what does not takes all.

A label that is NaN in the files, or that a table of labels does not give, is unknown. Trajectories are numbered anew
among those that are left, so that everything behind sees a smaller data set and nothing else; `ClipDataset.numbers`
says which they are. Fields stay normalised with the statistics of the whole training split.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import PhysrepError
from ..streams import say_once

if TYPE_CHECKING:
    from .clips import ClipDataset

LEAST = 2
"""Labelled trajectories of a split, for every parameter, below which there is no interval and so no score."""


def labelled(splits: Mapping[str, ClipDataset], every: bool = False) -> dict[str, ClipDataset]:
    """The trajectories with a label; data whose labels are all known, and data without parameters, stay as they are.

    Args:
        splits: of a data set, with the same parameters.
        every: take those that have every parameter, not those that have any.

    Raises:
        PhysrepError: a parameter is known for fewer than `LEAST` trajectories of a split.
    """
    if all(known_labels(dataset).all() for dataset in splits.values()):
        return dict(splits)
    return {split: labelled_split(dataset, every) for split, dataset in splits.items()}


def labelled_split(dataset: ClipDataset, every: bool = False) -> ClipDataset:
    """`labelled` of one split."""
    known = known_labels(dataset)
    if known.all():
        return dataset
    rows = known.all(axis=1) if every else known.any(axis=1)
    counts = np.full(known.shape[1], rows.sum()) if every else known.sum(axis=0)
    for name, count in zip(dataset.parameter_names, counts.tolist(), strict=True):
        if count < LEAST:
            what = f"all of {', '.join(dataset.parameter_names)} are" if every and len(counts) > 1 else f"{name} is"
            raise PhysrepError(
                f"{dataset.dataset_name}/{dataset.split}: {what} known for {count} of {len(known)} trajectories "
                f"(NaN is unknown), and at least {LEAST} must have labels; label more, or name other parameters in "
                "data.parameters."
            )
    return dataset.of_trajectories(np.flatnonzero(rows))


def known_labels(dataset: ClipDataset) -> np.ndarray:
    """Which labels are known, with shape ``(n_trajectories, P)``."""
    return ~np.isnan(dataset.parameters.numpy())


def known_in_words(splits: Mapping[str, ClipDataset]) -> list[str]:
    """One sentence per set of parameters that are known for the same trajectories; none where all are known."""
    known = {split: known_labels(dataset) for split, dataset in splits.items()}
    if not known or all(rows.all() for rows in known.values()):
        return []
    groups: dict[bytes, list[int]] = {}
    together = np.concatenate(list(known.values()))
    for k, column in enumerate(together.T):
        groups.setdefault(column.tobytes(), []).append(k)
    names = next(iter(splits.values())).parameter_names
    said = []
    for columns in groups.values():
        counts = [f"{rows[:, columns[0]].sum()} of {len(rows)} of {split}" for split, rows in known.items()]
        verb = "is" if len(columns) == 1 else "are"
        said.append(f"{', '.join(names[k] for k in columns)} {verb} known for {', '.join(counts)} trajectories")
    return [f"{text}; what reads labels takes these, what does not takes all." for text in said]


def say_known(splits: Mapping[str, ClipDataset]) -> None:
    """`known_in_words` on stderr, once per process."""
    for text in known_in_words(splits):
        say_once(f"{next(iter(splits.values())).dataset_name}: {text}")

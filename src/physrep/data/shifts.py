"""Splits whose numbers are others than those of train: a field in another unit or lost, labels of another scale.

Such a test may be wanted (`physrep bench transfer_shear_flow`), so it is said, not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..streams import say_once

if TYPE_CHECKING:
    from .clips import ClipDataset

FAR = 10.0
"""Standard deviations of train by which a mean, and times by which a standard deviation, may differ unsaid."""


def say_shifts(splits: Mapping[str, ClipDataset]) -> None:
    """One line for everything that `shifts` finds."""
    for line in shifts(splits):
        say_once(line)


def shifts(splits: Mapping[str, ClipDataset]) -> list[str]:
    """Channels and labels of other splits whose size is another one than in train.

    Args:
        splits: by name; train is compared with.
    """
    train, found = splits["train"], []
    mean, std = train.moments()
    for name, own in splits.items():
        if own is train:
            continue
        place = f"{own.dataset_name}/{name}"
        for k, (m, s) in enumerate(zip(*own.moments(), strict=True)):
            if s * FAR < std[k] or s > FAR * std[k] or abs(m - mean[k]) > FAR * std[k]:
                found.append(
                    f"{place}: {own.channels[k]} has the mean {m:.4g} and the standard deviation {s:.4g}, in train "
                    f"{mean[k]:.4g} and {std[k]:.4g}; look whether its values and units are right."
                )
        found += _labels(place, own, train)
    return found


def _labels(place: str, own: ClipDataset, train: ClipDataset) -> list[str]:
    """Parameters of which no value lies between those of train."""
    found = []
    for k, name in enumerate(own.parameter_names):
        here, there = own.parameters[:, k].numpy(), train.parameters[:, train.parameter_names.index(name)].numpy()
        here, there = here[np.isfinite(here)], there[np.isfinite(there)]
        if here.size and there.size and (here.min() > there.max() or here.max() < there.min()):
            found.append(
                f"{place}: {name} lies between {here.min():.4g} and {here.max():.4g}, in train between "
                f"{there.min():.4g} and {there.max():.4g}; look whether its values and units are right."
            )
    return found

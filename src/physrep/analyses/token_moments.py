"""Tokens of every run reduced to what the linear readouts see, once, and kept beside the tables."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..data.names import SPLITS
from ..files import write_npz
from ..probes.moments import token_moments
from ..tokens import TokenStore
from .base import Context, FrozenRun


def moments_by_split(context: Context, run: FrozenRun) -> dict[str, Tensor]:
    """`physrep.probes.moments.token_moments` of the windows of each split, float64 ``(windows, F)``.

    Mean and standard deviation over the tokens of a window; the token itself where there is one. They are kept in
    ``analyses/pooled/RUN.npz`` for as long as the tokens stay the same.
    """
    stores = context.stores(run)
    key = "/".join(str(stores[split].meta.get("key")) for split in SPLITS)
    file = context.out / "analyses" / "pooled" / f"{run.name}.npz"
    if file.is_file():
        try:
            with np.load(file, allow_pickle=False) as kept:
                if str(kept["key"]) == key:
                    return {split: torch.from_numpy(kept[split]) for split in SPLITS}
        except (OSError, ValueError, KeyError):
            pass  # An incomplete file is made again.
    features = {split: token_moments(stores[split].tokens) for split in SPLITS}
    write_npz(file, {"key": np.array(key), **{split: part.numpy() for split, part in features.items()}})
    return features


def token_means(store: TokenStore, features: Tensor) -> Tensor:
    """The part of `moments_by_split` that is the mean over tokens, ``(windows, D)``."""
    return features[:, : store.tokens.shape[2]]

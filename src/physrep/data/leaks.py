"""The proof, before anything is trained, that a benchmark's splits share nothing they must not share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from ..errors import PhysrepError
from .clips import ClipDataset
from .fingerprints import Fingerprint


def assert_no_leaks(splits: Mapping[str, ClipDataset]) -> None:
    """Compare every frame of every split with every frame of the others, and their statistics with those of train.

    A frame that is in two splits means that they share a trajectory, a part of one, or an initial condition; with
    other parameters it is a leak as well, since the encoder has seen these fields. Frames that are uniform in space
    (the rest state that a decayed field reaches) prove nothing and are left out.

    Args:
        splits: opened splits, with the same channels and grid. Frames of observed data (`physrep.data.observation`) are
            those of the files before the first step, so that noise hides no leak.

    Raises:
        PhysrepError: a frame is in two splits, or a split is normalised with other statistics than those of train.
    """
    _check_statistics(splits)
    seen = np.empty(0, [("hash", np.int64), ("split", np.int32), ("trajectory", np.int32), ("frame", np.int32)])
    names = list(splits)
    for number, dataset in enumerate(splits.values()):
        own = _frames(dataset, number, seen.dtype)
        shared = np.flatnonzero(np.isin(own["hash"], seen["hash"]))
        if len(shared):
            here = own[shared[0]]
            there = seen[np.flatnonzero(seen["hash"] == here["hash"])[0]]
            raise PhysrepError(
                f"{dataset.dataset_name}: frame {here['frame']} of trajectory {here['trajectory']} of "
                f"{names[here['split']]} is frame {there['frame']} of trajectory {there['trajectory']} of "
                f"{names[there['split']]}; scores would be too good, so put all trajectories that share an initial "
                "condition into one split."
            )
        seen = np.concatenate([seen, own])


def _check_statistics(splits: Mapping[str, ClipDataset]) -> None:
    if "train" not in splits:
        return
    own = splits["train"].statistics
    for name, dataset in splits.items():
        for key in ("mean", "std"):
            if not torch.allclose(getattr(dataset.stats, key), getattr(own, key), rtol=1e-5, atol=0):
                raise PhysrepError(
                    f"{dataset.dataset_name}/{name}: its fields are normalised with a {key} that is not that of train; "
                    "open it with stats=train.stats."
                )


def _frames(dataset: ClipDataset, number: int, kind: np.dtype) -> np.ndarray:
    parts = []
    fingerprint = Fingerprint(len(dataset.channels), int(np.prod(dataset.shape, dtype=int)))
    for trajectory in range(dataset.n_trajectories):
        # Noise makes copies differ: of observed data the frames are compared as they were before.
        before = dataset.unobserved(trajectory)
        hashes, varies = fingerprint(dataset.frames_of(trajectory)) if before is None else before
        rows = np.empty(len(hashes), kind)
        rows["hash"], rows["split"], rows["trajectory"] = hashes, number, trajectory
        rows["frame"] = np.arange(len(hashes))
        parts.append(rows[varies])
    return np.concatenate(parts)

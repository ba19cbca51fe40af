"""The proof, before anything is trained, that a benchmark's splits share nothing they must not share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from .clips import ClipDataset

# Grid points of a frame that are compared: two different flows do not agree bit for bit on 64 points of all channels.
POINTS = 64


def assert_no_leaks(splits: Mapping[str, ClipDataset]) -> None:
    """Compare every frame of every split with every frame of the others, and their statistics with those of train.

    A frame that is in two splits means that they share a trajectory, a part of one, or an initial condition; with
    other parameters it is a leak as well, since the encoder has seen these fields. Frames that are uniform in space
    (the rest state that a decayed field reaches) prove nothing and are left out.

    Args:
        splits: opened splits, with the same channels and grid.

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
    points = np.prod(dataset.shape, dtype=int)
    rng = np.random.default_rng(0)
    chosen = torch.from_numpy(np.sort(rng.choice(points, min(POINTS, points), replace=False)))
    factors = torch.from_numpy(rng.integers(-(2**62), 2**62, (len(dataset.channels), 1, len(chosen))) | 1)
    parts = []
    for trajectory in range(dataset.n_trajectories):
        hashes, varies = _fingerprints(dataset.frames_of(trajectory), chosen, factors)
        rows = np.empty(len(hashes), kind)
        rows["hash"], rows["split"], rows["trajectory"] = hashes, number, trajectory
        rows["frame"] = np.arange(len(hashes))
        parts.append(rows[varies])
    return np.concatenate(parts)


def _fingerprints(frames: Tensor, chosen: Tensor, factors: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """A 64-bit number per frame, of its bits at the chosen points, and whether the frame varies in space."""
    values = frames.flatten(2)[:, :, chosen]
    varies = (values.amax(2) > values.amin(2)).any(0)
    bits = values.contiguous().view(torch.int16 if values.dtype == torch.float16 else torch.int32)
    # Products and sums wrap around, as in any multiplicative hash.
    return (bits.long() * factors).sum((0, 2)).numpy(), varies.numpy()

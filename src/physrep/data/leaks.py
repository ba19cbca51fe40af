"""The proof, before anything is trained, that a benchmark's splits share nothing they must not share."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ..errors import PhysrepError
from ..streams import say_line
from .clips import ClipDataset
from .fingerprints import Fingerprint
from .modes import FrameSource, split_pairs
from .stats import frame_blocks


@dataclass(frozen=True)
class Shared:
    """What two trajectories of different splits have in common.

    Attributes:
        split, trajectory, frame: the one.
        other, other_trajectory, other_frame: the other.
        start: they start from the same frame with other parameters; otherwise one is a copy of the other, or a part.
        exact: the frames agree bit for bit, and not only up to shifts, rounding and noise.
    """

    split: str
    trajectory: int
    frame: int
    other: str
    other_trajectory: int
    other_frame: int
    start: bool
    exact: bool

    def __str__(self) -> str:
        near = "" if self.exact else ", up to a shift, rounding or noise,"
        return (
            f"frame {self.other_frame} of trajectory {self.other_trajectory} of {self.other} is{near} "
            f"frame {self.frame} of trajectory {self.trajectory} of {self.split}"
        )


def near_copies(splits: Mapping[str, FrameSource], parameters: Mapping[str, np.ndarray]) -> Iterator[Shared]:
    """Trajectories of different splits that are the same up to shifts in space and time, rounding and small noise.

    Args:
        splits: frames of each split.
        parameters: of each split, with shape ``(trajectories, P)``.
    """
    for split, other, pair in split_pairs(splits):
        own, its = parameters[split][pair.trajectory], parameters[other][pair.other]
        start = pair.starts and not np.allclose(own, its, rtol=1e-5, atol=0, equal_nan=True)
        frames = (0, 0) if start else (pair.frame, pair.other_frame)
        yield Shared(split, pair.trajectory, frames[0], other, pair.other, frames[1], start, False)


def assert_no_leaks(splits: Mapping[str, ClipDataset], allow_shared_starts: bool = False) -> int:
    """Compare every frame of every split with the frames of the others, and their statistics with those of train.

    A frame that is in two splits means that they share a trajectory, a part of one, or an initial condition; with
    other parameters it is a leak as well, since the encoder has seen these fields. Frames that are uniform in space
    (the rest state that a decayed field reaches) prove nothing and are left out. Frames are compared bit for bit, all
    of them, and by fingerprints that survive shifts, rounding and small noise, some of each trajectory.

    Args:
        splits: opened splits, with the same channels and grid. Frames of observed data (`physrep.data.observation`) are
            those of the files before the first step, so that noise hides no leak.
        splits: opened splits, with the same channels and grid.
        allow_shared_starts: let trajectories with other parameters start from the same frame, and count them.

    Returns:
        How many pairs of trajectories start from the same frame with other parameters.

    Raises:
        PhysrepError: a frame is in two splits, or a split is normalised with other statistics than those of train.
    """
    _check_statistics(splits)
    parameters = {name: dataset.parameters.numpy() for name, dataset in splits.items()}
    # Splits that are seen through instruments of their own may have other channels and grids.
    frames = {n: ClipFrames(dataset) for n, dataset in splits.items() if dataset.unobserved(0) is None}
    starts: set[tuple[str, int, str, int]] = set()
    for found in itertools.chain(_equal_frames(splits, parameters), near_copies(frames, parameters)):
        if found.start and allow_shared_starts:
            starts.add((found.split, found.trajectory, found.other, found.other_trajectory))
            continue
        name = next(iter(splits.values())).dataset_name
        override = ", or set data.allow_shared_starts: true" if found.start else ""
        raise PhysrepError(
            f"{name}: {found}; scores would be too good, so put all trajectories that share an initial condition into "
            f"one split{override}."
        )
    if starts:
        text = f"data: {len(starts)} pairs of trajectories of different splits start from the same frame, as allowed."
        say_line(text)
    return len(starts)


class ClipFrames:
    """Frames of an opened split, as `physrep.data.modes` asks for them."""

    def __init__(self, dataset: ClipDataset) -> None:
        self.dataset, self.lengths = dataset, dataset.lengths.tolist()

    def frames(self, trajectory: int, indices: Sequence[int]) -> np.ndarray:
        """``(C, len(indices), *S)``."""
        own = [self.dataset.frames_of(trajectory, slice(index, index + 1)) for index in indices]
        return torch.cat(own, 1).float().numpy()


def _equal_frames(splits: Mapping[str, ClipDataset], parameters: Mapping[str, np.ndarray]) -> Iterator[Shared]:
    """Frames of different splits that agree bit for bit; of a trajectory the first that is no shared start."""
    seen = np.zeros(0, [("hash", np.int64), ("split", np.int32), ("trajectory", np.int32), ("frame", np.int32)])
    names = list(splits)
    for number, dataset in enumerate(splits.values()):
        own = _frames(dataset, number, seen.dtype)
        known: dict[int, list[Any]] = {}
        for row in seen[np.isin(seen["hash"], own["hash"])]:
            known.setdefault(int(row["hash"]), []).append(row)
        for here in own[np.isin(own["hash"], seen["hash"])]:
            for there in known[int(here["hash"])]:
                split, other = names[there["split"]], names[number]
                same = np.array_equal(
                    parameters[split][there["trajectory"]], parameters[other][here["trajectory"]], equal_nan=True
                )
                start = not same and here["frame"] == there["frame"] == 0
                yield Shared(
                    split, int(there["trajectory"]), int(there["frame"]),
                    other, int(here["trajectory"]), int(here["frame"]), bool(start), True,
                )  # fmt: skip
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
        hashes, varies = _numbers(dataset, trajectory, fingerprint) if before is None else before
        rows = np.zeros(len(hashes), kind)
        rows["hash"], rows["split"], rows["trajectory"] = hashes, number, trajectory
        rows["frame"] = np.arange(len(hashes))
        parts.append(rows[varies])
    return np.concatenate(parts)


def _numbers(dataset: ClipDataset, trajectory: int, fingerprint: Fingerprint) -> tuple[np.ndarray, np.ndarray]:
    """Fingerprints of all frames of a trajectory, a block in memory at a time."""
    frame = 4 * len(dataset.channels) * int(np.prod(dataset.shape, dtype=int))
    blocks = frame_blocks(int(dataset.lengths[trajectory]), frame)
    found = [fingerprint(dataset.frames_of(trajectory, slice(start, start + n))) for start, n in blocks]
    return np.concatenate([numbers for numbers, _ in found]), np.concatenate([differ for _, differ in found])

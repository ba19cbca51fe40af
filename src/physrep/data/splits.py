"""Which trajectory belongs to which split, and the proof that no trajectory is in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import PhysrepError
from ..systems.description import trajectory_seed
from .names import SPLITS
from .remote import AnyPath, RemotePath, as_path
from .scan import hdf5_files
from .wellfile import WellFile

DEFAULT_FRACTIONS = (0.8, 0.1, 0.1)


def split_counts(n: int, fractions: Sequence[float] = DEFAULT_FRACTIONS) -> tuple[int, int, int]:
    """How many of ``n`` trajectories go to train, valid and test; they add up to ``n``.

    Counts are rounded by the largest remainder, and a split with a positive fraction gets at least one trajectory.

    Args:
        n: number of trajectories.
        fractions: of train, valid and test.

    Raises:
        PhysrepError: the fractions are not three numbers from 0 to 1 with sum 1, or ``n`` is too small for them.
    """
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
        raise PhysrepError(f"split fractions {list(fractions)} must be three numbers from 0 to 1 with sum 1.")
    needed = sum(fraction > 0 for fraction in fractions)
    if n < needed:
        raise PhysrepError(f"{n} trajectories cannot fill {needed} splits; simulate at least {needed}.")
    exact = [n * fraction for fraction in fractions]
    counts = [int(value + 1e-9) for value in exact]
    remainders = sorted(range(3), key=lambda i: counts[i] - exact[i])
    for i in remainders[: n - sum(counts)]:
        counts[i] += 1
    for i, fraction in enumerate(fractions):
        if fraction > 0 and counts[i] == 0:
            counts[counts.index(max(counts))] -= 1
            counts[i] = 1
    return counts[0], counts[1], counts[2]


def assign_splits(n: int, seed: int, fractions: Sequence[float] = DEFAULT_FRACTIONS) -> list[str]:
    """Split of each of ``n`` trajectories: exact counts, shuffled by ``seed``, the same on every machine.

    Args:
        n: number of trajectories.
        seed: of the shuffling.
        fractions: of train, valid and test.
    """
    order = sorted(range(n), key=lambda index: trajectory_seed(seed, "split", index))
    names = [name for name, count in zip(SPLITS, split_counts(n, fractions), strict=True) for _ in range(count)]
    assigned = [""] * n
    for index, name in zip(order, names, strict=True):
        assigned[index] = name
    return assigned


def assign_labelled(
    known: np.ndarray, seed: int, fractions: Sequence[float] = DEFAULT_FRACTIONS
) -> tuple[list[str], int]:
    """As `assign_splits`, of labelled and of unlabelled trajectories apart: every split has its share of labels.

    Args:
        known: labels are known (not NaN), with shape ``(n, P)``; a trajectory with any is labelled.
        seed, fractions: as of `assign_splits`.

    Returns:
        The split of each, and how many are labelled. Where all or none are, the splits are those of `assign_splits`.
        Unlabelled ones that are too few for all splits go to train.
    """
    rows: np.ndarray = np.asarray(known.any(axis=1))
    count = int(rows.sum())
    if count in (0, len(rows)):
        return assign_splits(len(rows), seed, fractions), count
    if count < sum(fraction > 0 for fraction in fractions):
        raise PhysrepError(f"{count} labelled trajectories cannot fill the splits; label more.")
    assigned = np.full(len(rows), "train", dtype=object)
    assigned[rows] = assign_splits(count, seed, fractions)
    if len(rows) - count >= sum(fraction > 0 for fraction in fractions):
        assigned[~rows] = assign_splits(len(rows) - count, seed, fractions)
    return assigned.tolist(), count


def first_frame_hashes(path: str | Path | RemotePath) -> list[tuple[str, tuple[float, ...]]]:
    """Per trajectory of a file, a hash of the first frame of all fields, and its parameters."""
    with WellFile(path, glance=True) as file:
        names = sorted(file.channels)
        return [
            (
                hashlib.sha256(file.read(i, 0, 1, channels=names).tobytes()).hexdigest(),
                tuple(float(file.parameters[name][i]) for name in sorted(file.parameters)),
            )
            for i in range(file.n_trajectories)
        ]


def shared_trajectories(
    files: Mapping[str, Sequence[AnyPath]],
    within: bool = False,
) -> list[tuple[tuple[AnyPath, int], tuple[AnyPath, int], bool]]:
    """Pairs of trajectories from different splits whose first frames agree bit for bit.

    Args:
        files: split name to its files.
        within: find them in one split too, each with the first one that it agrees with.

    Returns:
        Tuples (file and index, file and index in the other split, whether the parameters agree too). Where they do
        not, the two start from the same initial condition but are not the same trajectory.
    """
    seen: dict[str, list[tuple[str, AnyPath, int, tuple[float, ...]]]] = {}
    shared = []
    for split, paths in files.items():
        for path in paths:
            for index, (digest, parameters) in enumerate(first_frame_hashes(path)):
                alone = True
                for other_split, other_path, other_index, other_parameters in seen.setdefault(digest, []):
                    inside = within and alone and other_split == split
                    alone = alone and not inside
                    if other_split != split or inside:
                        shared.append(((other_path, other_index), (path, index), other_parameters == parameters))
                seen[digest].append((split, path, index, parameters))
    return shared


class FileFrames:
    """Frames of the files of a split, as `physrep.data.modes` asks for them, and where they are."""

    def __init__(self, paths: Sequence[AnyPath]) -> None:
        self.places: list[tuple[AnyPath, int]] = []
        self.lengths: list[int] = []
        rows = []
        for path in paths:
            with WellFile(path, glance=True) as file:
                self.places += [(path, i) for i in range(file.n_trajectories)]
                self.lengths += [file.n_frames] * file.n_trajectories
                columns = [file.parameters[name] for name in sorted(file.parameters)]
                rows.append(np.stack(columns, 1) if columns else np.zeros((file.n_trajectories, 0)))
        self.parameters = np.concatenate(rows) if rows else np.zeros((0, 0))

    def frames(self, trajectory: int, indices: Sequence[int]) -> np.ndarray:
        """``(C, len(indices), *S)``."""
        path, own = self.places[trajectory]
        with WellFile(path, glance=True) as file:
            names = sorted(file.channels)
            return np.concatenate([file.read(own, t, 1, channels=names, missing="raw") for t in indices], axis=1)


def assert_disjoint(root: str | Path | RemotePath) -> None:
    """Make sure that no trajectory of a dataset is in two splits.

    Raises:
        PhysrepError: one is; the sentence names both places.
    """
    folders = {split: as_path(root) / "data" / split for split in SPLITS}
    files = {split: hdf5_files(folder) for split, folder in folders.items() if folder.is_dir()}
    for (path, index), (other, other_index), same in shared_trajectories(files):
        if same:
            raise PhysrepError(
                f"{root}: trajectory {index} of {path.parent.name}/{path.name} is also trajectory {other_index} of "
                f"{other.parent.name}/{other.name}; scores would be too good, so delete one of them."
            )

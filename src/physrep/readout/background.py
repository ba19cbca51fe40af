"""What all readouts of one frozen encoder share: what its training data looked like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data.units import units_seen
from ..metrics import cluster_means
from ..probes.nested import pooled_store
from ..tokens import LabelScaler, TokenStore
from .neighbours import Neighbours
from .novelty import Novelty
from .reference import reference, reference_stores

FEW, FOLDS = 20, 10
"""Trajectories of valid below which train serves the limits of novelty as well, left out in so many folds."""

if TYPE_CHECKING:
    from torch import Tensor

    from ..learners.spectra import Spectra
    from ..tokens.protocol import Division
    from .basis import Basis


@dataclass
class Background:
    """The training data as a readout knows them.

    Attributes:
        scaler: units of the parameters.
        ranges: lowest and highest training value of each parameter.
        grid: dt of the frames of a window, dx, shape, and the units that the files state.
        stride: distance between the starts of windows.
        spectra: the second encoder, whose features are compared beside the tokens.
        novelty: by name of the features, ``tokens`` and ``spectra``.
        neighbours: of the training trajectories.
        strange: by number of a test trajectory the verdict of `novelty`; not stored.
    """

    scaler: LabelScaler
    ranges: dict[str, tuple[float, float]]
    grid: dict[str, Any]
    stride: int
    spectra: Spectra
    novelty: dict[str, Novelty]
    neighbours: Neighbours
    strange: dict[int, int] = field(default_factory=dict)

    @classmethod
    def of(cls, basis: Basis) -> Background:
        """From tokens and clips of train, valid and test."""
        stores, splits, division = basis.stores, basis.splits, basis.division
        train = splits["train"]
        frame_step = int(stores["train"].meta.get("request", {}).get("frame_step", 1))
        spectra = reference(train, basis.learner.num_frames)
        features = {
            "tokens": stores,
            "spectra": reference_stores(spectra, splits, basis.stride, frame_step, basis.spectra),
        }
        novelty, strange = {}, {}
        for name, parts in features.items():
            novelty[name], own = _novelty(parts) if division is None else _crossed(parts, division)
            strange = {key: max(strange.get(key, 0), value) for key, value in own.items()}
        learned = _pool(stores, division)
        lows, highs = np.nanmin(learned.labels, axis=0), np.nanmax(learned.labels, axis=0)
        kept = {n: k for k, n in enumerate(learned.parameter_names)}
        ranges = {n: (float(lows[kept[n]]), float(highs[kept[n]])) for n in basis.scaler.names}
        units = units_seen(train.identity, train.channels, basis.scaler.names)
        grid = {"dt": train.dt * frame_step, "dx": list(train.dx), "shape": list(train.shape), "units": units}
        places = _places(stores, division)

        def first_frame(trajectory: int, start: int) -> Tensor:
            split, number = places[trajectory]
            return splits[split].clip(np.array([[number, start]]), 1).fields[0, 0, 0]

        neighbours = Neighbours().fit(learned, novelty["tokens"], first_frame)
        if division is None:
            neighbours.trajectories = [int(train.numbers[n]) for n in neighbours.trajectories]
        return cls(basis.scaler, ranges, grid, basis.stride, spectra, novelty, neighbours, strange)


def _pool(stores: Mapping[str, TokenStore], division: Division | None) -> TokenStore:
    """What is learned from: train, or the pool of the protocol."""
    return stores["train"] if division is None else pooled_store([stores[split] for split in division.pool])


def _places(stores: Mapping[str, TokenStore], division: Division | None) -> dict[int, tuple[str, int]]:
    """Of every trajectory that is learned from, the split and the number in it."""
    if division is None:
        return {int(n): ("train", int(n)) for n in np.unique(stores["train"].trajectory)}
    pairs = [(split, int(n)) for split in division.pool for n in np.unique(stores[split].trajectory)]
    return dict(enumerate(pairs))


def _scores(found: Novelty, store: TokenStore, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Mean score of the windows of every trajectory, and the trajectories."""
    chosen = slice(None) if rows is None else rows
    means, names = cluster_means(found.score(store.tokens[chosen])[:, None], np.asarray(store.trajectory)[chosen])
    return means[:, 0], names


def _novelty(parts: Mapping[str, TokenStore]) -> tuple[Novelty, dict[int, int]]:
    """Fitted on train, limits from valid, false alarms from test.

    Few scores have no 95 % quantile: below `FEW` the limits are at least those of training trajectories, each scored by
    a fit that left its fold out.
    """
    found = Novelty().fit(parts["train"].tokens)
    valid = _scores(found, parts["valid"])[0]
    found.calibrate(valid)
    if len(valid) < FEW:
        more = Novelty().calibrate(np.concatenate([valid, _left_out(parts["train"])]))
        found.limits = (max(found.limits[0], more.limits[0]), max(found.limits[1], more.limits[1]))
    scores, names = _scores(found, parts["test"])
    found.tested(scores)
    return found, dict(zip(names.tolist(), found.verdict(scores).tolist(), strict=True))


def _left_out(store: TokenStore) -> np.ndarray:
    """Scores of the trajectories of a split by fits that left a tenth of them out."""
    names, index = np.unique(store.trajectory, return_inverse=True)
    fold = (np.random.default_rng(0).permutation(len(names)) % FOLDS)[index]
    found = []
    for number in np.unique(fold) if len(names) > 1 else []:
        own = fold == number
        found.append(_scores(Novelty().fit(store.tokens[~own]), store, own)[0])
    return np.concatenate(found) if found else np.empty(0)


def _crossed(parts: Mapping[str, TokenStore], division: Division) -> tuple[Novelty, dict[int, int]]:
    """Fitted on the whole pool; every score is by a fit that left its fold out, and so are limits and alarms."""
    whole = _pool(parts, division)
    folds = division.folds[0]
    fold_of_row = folds[whole.trajectory]
    scores, names = np.zeros(len(folds)), []
    for fold in range(division.count):
        part = Novelty().fit(whole.tokens[fold_of_row != fold])
        own, numbers = _scores(part, whole, fold_of_row == fold)
        scores[numbers] = own
        names += numbers.tolist()
    present = np.sort(np.array(names))
    strange: dict[int, int] = {}
    for fold in range(division.count):
        inside = folds[present] == fold
        limits = Novelty().calibrate(scores[present[~inside]])
        strange |= dict(zip(present[inside].tolist(), limits.verdict(scores[present[inside]]).tolist(), strict=True))
    found = Novelty().fit(whole.tokens).calibrate(scores[present])
    verdicts = np.array(list(strange.values()))
    found.false_alarms = (float((verdicts > 0).mean()), float((verdicts > 1).mean()))
    return found, strange

"""Is it the representation or the probe? A control task with shuffled labels, and the length of a prequential code.

A probe that is strong enough fits anything on the training windows. Two readings take that out: what the same probe
scores on labels that have nothing to do with the tokens, and how many bits the labels take if they are sent one block
after the other, each coded by the probe that was fitted on the blocks before.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from ..errors import PhysrepError
from ..metrics import Difference, cluster_means, paired_difference
from ..renamed import takes_former_names
from ..tokens.labels import LabelScaler
from ..tokens.store import TokenStore
from .base import Probe
from .fit import evaluate
from .predictions import Predictions

if TYPE_CHECKING:
    from pandas import DataFrame


def shuffled_labels(store: TokenStore, seed: int = 0) -> TokenStore:
    """The same tokens, with the labels of whole trajectories exchanged.

    All windows of a trajectory keep one set of labels, and the sets stay the same ones, so that neither the
    distribution of the labels nor the dependence of windows changes.

    Args:
        store: tokens and labels of one split.
        seed: of the permutation of trajectories.
    """
    names, first, index = np.unique(store.trajectory, return_index=True, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return replace(store, labels=np.asarray(store.labels)[first][order][index])


class Control(NamedTuple):
    """Result of a control task.

    Attributes:
        rows: scores of the probe that was fitted on shuffled labels, as `evaluate` gives them.
        selectivity: MSE of the control minus MSE of the real probe on test, per trajectory, with interval; the last
            entry is the mean over parameters.
        predictions: the real probe's.
        real: the real probe's rows.
    """

    rows: DataFrame
    selectivity: Difference
    predictions: dict[str, Predictions]
    real: DataFrame


@takes_former_names
def control_task(
    probe: Probe,
    stores: Mapping[str, TokenStore],
    scaler: LabelScaler,
    *,
    name: str,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Control:
    """Fit a probe on real labels and on labels shuffled by trajectory (in train and in valid), score both on test.

    Test keeps its labels: what was learned from shuffled ones cannot help there, so a control scores about 1, and more
    if the probe overfits. A control clearly below 1 means that windows of one trajectory are in train and test.

    Selectivity is Hewitt and Liang's (control minus real error, so that more is better): Designing and Interpreting
    Probes with Control Tasks (EMNLP 2019), https://arxiv.org/abs/1909.03368.

    Args:
        probe: an unfitted probe; copies of it are fitted.
        stores: tokens of train, valid and test.
        scaler: z-scores labels.
        name: value of the column ``probe``.
        n_resamples: of the bootstrap over trajectories.
        seed: of the shuffling and of the bootstrap.
    """
    options: dict[str, Any] = {"name": name, "n_resamples": n_resamples, "seed": seed}
    real, predictions = evaluate(copy.deepcopy(probe), stores, scaler, **options)
    mixed = dict(stores)
    for k, split in enumerate(("train", "valid")):
        mixed[split] = shuffled_labels(stores[split], seed + k)
    rows, other = evaluate(copy.deepcopy(probe), mixed, scaler, **options)
    test = predictions["test"]
    control, ours = (cluster_means(part.prediction, test.trajectory)[0] for part in (other["test"], test))
    target, clusters = cluster_means(test.target, test.trajectory)
    difference = paired_difference(control, ours, target, clusters, n_resamples=n_resamples, seed=seed)
    return Control(rows, difference, predictions, real)


class CodeLength(NamedTuple):
    """Length of the prequential code of the training labels.

    Attributes:
        parameter_names: names of the P parameters.
        bits: bits per label, with shape ``(P,)``, of z-scored labels to a resolution of 1 (minus the logarithm of a
            density: it may be negative, and only differences mean something).
        prior_bits: the same for a code that knows the distribution N(0, 1) alone.
        blocks: training trajectories before each block.
        block_bits: bits per label in each block, with shape ``(blocks, P)``.
    """

    parameter_names: tuple[str, ...]
    bits: np.ndarray
    prior_bits: np.ndarray
    blocks: tuple[int, ...]
    block_bits: np.ndarray

    @property
    def saved(self) -> np.ndarray:
        """Bits per label that the tokens save; 0 or less if they hold nothing that this probe can read."""
        return self.prior_bits - self.bits


def code_length(
    probe: Probe,
    stores: Mapping[str, TokenStore],
    scaler: LabelScaler,
    *,
    fractions: Sequence[float] = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0),
    seed: int = 0,
) -> CodeLength:
    """Bits that the training labels take if sender and receiver both know the tokens.

    Trajectories are put in random order and cut at ``fractions``. The first block is coded with the prior N(0, 1); each
    later one with ``N(μ, s²)``, μ the mean prediction of a trajectory's windows by the probe fitted on all blocks
    before, s² its mean squared error on valid, whose labels both sides know. One label is sent per trajectory. A probe
    that needs many labels pays for it in the early blocks, which a score at the end does not show.

    Source: Voita and Titov, Information-Theoretic Probing with Minimum Description Length (EMNLP 2020),
    https://arxiv.org/abs/2003.12298; here for a Gaussian instead of a categorical code.

    Args:
        probe: an unfitted probe; copies of it are fitted, one per block.
        stores: tokens of train and valid.
        scaler: z-scores labels.
        fractions: rising shares of the training trajectories where blocks end; the last is 1.
        seed: of the order of trajectories.

    Raises:
        PhysrepError: the fractions do not rise to 1, or there are too few trajectories for them.
    """
    train, valid = stores["train"], stores["valid"]
    order = np.random.default_rng(seed).permutation(np.unique(train.trajectory))
    ends = [round(share * len(order)) for share in fractions]
    if not ends or ends[-1] != len(order) or ends[0] < 2 or any(a >= b for a, b in itertools.pairwise(ends)):
        raise PhysrepError(
            f"code length: blocks that end at {list(fractions)} of {len(order)} training trajectories need at least 2 "
            "in each, and the last must end at 1; give other fractions or more trajectories."
        )
    labels = scaler.transform(train.labels, train.parameter_names).float()
    labels_valid = scaler.transform(valid.labels, valid.parameter_names).float()
    target, names = cluster_means(labels.numpy(), train.trajectory)
    rank = {name: k for k, name in enumerate(names.tolist())}
    prior = _bits(target, np.zeros_like(target), np.ones(target.shape[1]))
    blocks = [prior[[rank[name] for name in order[: ends[0]].tolist()]]]
    for first, last in itertools.pairwise(ends):
        before = np.isin(train.trajectory, order[:first])
        block = np.isin(train.trajectory, order[first:last])
        fitted = copy.deepcopy(probe).fit(
            train.tokens[before], labels[torch.from_numpy(before)], valid.tokens, labels_valid
        )
        variance = _trajectory_error(fitted.predict(valid.tokens).numpy(), labels_valid.numpy(), valid.trajectory)
        mean, own = cluster_means(fitted.predict(train.tokens[block]).numpy(), train.trajectory[block])
        blocks.append(_bits(target[[rank[name] for name in own.tolist()]], mean, variance))
    every = np.concatenate(blocks)
    return CodeLength(
        scaler.names,
        every.mean(axis=0),
        prior.mean(axis=0),
        (0, *ends[:-1]),
        np.stack([block.mean(axis=0) for block in blocks]),
    )


def _bits(target: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """``-log2 N(target; mean, variance)``."""
    return (np.log(2 * math.pi * variance) + (target - mean) ** 2 / variance) / (2 * math.log(2))


def _trajectory_error(prediction: np.ndarray, target: np.ndarray, trajectory: np.ndarray) -> np.ndarray:
    error = cluster_means(prediction, trajectory)[0] - cluster_means(target, trajectory)[0]
    # A perfect probe would code with infinite density; float32 labels are good to about 1e-6.
    return np.maximum((error**2).mean(axis=0), 1e-12)

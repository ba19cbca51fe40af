"""What a learner knows while it trains: a quick ridge probe on a few windows, and measures of collapse, for the log.

Labels are read here for the log only; no gradient and no choice depends on them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from ..data import ClipDataset, has_split
from ..data.config import DataConfig
from ..data.labelled import labelled_split
from ..errors import PhysrepError
from ..learners.base import Learner
from ..metrics.collapse import effective_rank
from ..probes.moments import token_moments
from ..probes.ridge import RidgeProbe
from ..streams import say_line
from ..tokens.labels import LabelScaler
from .config import TrainingConfig

TRAIN_WINDOWS, VALID_WINDOWS, BATCH = 512, 256, 32


def spread_windows(dataset: ClipDataset, frames: int, frame_step: int, count: int) -> np.ndarray:
    """At most ``count`` windows, seeded, over as many trajectories as possible."""
    generator = np.random.default_rng(0)
    windows = dataset.windows(frames, 1, frame_step)
    order = generator.permutation(len(windows))
    # The first window of every trajectory in random order comes first, then the second, and so on.
    _, position = np.unique(windows[order, 0], return_index=True)
    first = order[np.sort(position)]
    rest = np.setdiff1d(order, first, assume_unique=True)
    return windows[np.concatenate([first, generator.permutation(rest)])[:count]]


class OnlineProbe:
    """Ridge on the mean and standard deviation of the tokens of fixed windows, scored on valid."""

    def __init__(
        self, train: ClipDataset, valid: ClipDataset | None, frames: int, frame_step: int, scales: Mapping[str, str]
    ) -> None:
        self.frames, self.frame_step = frames, frame_step
        if valid is not None:
            train, valid = _with_labels(train, valid)
        self.sets = [
            (dataset, spread_windows(dataset, frames, frame_step, count))
            for dataset, count in ((train, TRAIN_WINDOWS), (valid, VALID_WINDOWS))
            if dataset is not None
        ]
        self.names = _known([dataset for dataset, _ in self.sets]) if valid is not None else ()
        self.labels = []
        if self.names:
            columns = [train.parameter_names.index(name) for name in self.names]
            self.scaler = LabelScaler.fit(train.parameters[:, columns], self.names, scales)
            self.labels = [
                self.scaler.transform(dataset.parameters[windows[:, 0]], dataset.parameter_names).float()
                for dataset, windows in self.sets
            ]

    def say(self, label: str) -> None:
        """Say which parameters the log will not hold."""
        left = [name for name in self.sets[0][0].parameter_names if name not in self.names]
        if left or not self.names:
            what = f"{', '.join(left)} unknown or constant in train or valid" if left else "the data are unlabelled"
            say_line(f"{label}: {what}, so the log's probe leaves it out")

    @torch.no_grad()
    def measure(self, learner: Learner) -> dict[str, float]:
        """``probe_mse_NAME`` and ``probe_mse`` on valid, and the effective rank of the clips' mean tokens.

        Windows are of the trajectories with labels where some have none; where too few have any, parameters that are
        unknown somewhere are left out. The rank is of valid, or of train where there is no valid.
        """
        training = learner.training
        learner.eval()
        device = learner.field_mean.device
        features, ranks = [], 0.0
        for dataset, windows in self.sets:
            tokens = [
                learner.encode(dataset.clip(windows[i : i + BATCH], self.frames, self.frame_step).to(device)).float()
                for i in range(0, len(windows), BATCH)
            ]
            together = torch.cat(tokens).cpu()
            ranks = effective_rank(together.mean(1))
            features.append(token_moments(together).float())
        learner.train(training)
        if not self.names:
            return {"effective_rank": ranks}
        tokens_train, tokens_valid = (part.unsqueeze(1) for part in features)
        probe = RidgeProbe().fit(tokens_train, self.labels[0], tokens_valid, self.labels[1])
        errors = (probe.predict(tokens_valid) - self.labels[1]).square().mean(0)
        named = {f"probe_mse_{name}": float(e) for name, e in zip(self.scaler.names, errors, strict=True)}
        return {**named, "probe_mse": float(errors.mean()), "effective_rank": ranks}


def validation_split(data: DataConfig, train: ClipDataset, training: TrainingConfig) -> ClipDataset | None:
    """The validation split; None where the data have none and nothing is chosen on it.

    Raises:
        PhysrepError: there is none, but the best weights are chosen on it.
    """
    root = data.located().path
    if has_split(root, "valid"):
        return data.open("valid", train.stats)
    if training.select == "best":
        raise PhysrepError(f"{root}: has no split valid, on which training.select=best chooses; use select=last.")
    return None


def _with_labels(train: ClipDataset, valid: ClipDataset) -> tuple[ClipDataset, ClipDataset]:
    """The trajectories with every label that any has; both as they are where such are too few."""
    try:
        return labelled_split(train, every=True), labelled_split(valid, every=True)
    except PhysrepError:
        return train, valid


def _known(datasets: Sequence[ClipDataset]) -> tuple[str, ...]:
    """Parameters that are known for all trajectories and vary in the first data set."""
    known = [bool(column.isfinite().all()) and bool((column != column[0]).any()) for column in datasets[0].parameters.T]
    for dataset in datasets[1:]:
        known = [k and bool(column.isfinite().all()) for k, column in zip(known, dataset.parameters.T, strict=True)]
    return tuple(name for name, k in zip(datasets[0].parameter_names, known, strict=True) if k)


@torch.no_grad()
def validation_loss(learner: Learner, valid: ClipDataset, frame_step: int) -> float:
    """Mean loss over fixed validation windows, in evaluation mode."""
    training = learner.training
    learner.eval()
    windows = spread_windows(valid, learner.train_frames, frame_step, 512)
    total = 0.0
    for i in range(0, len(windows), BATCH):
        clip = valid.clip(windows[i : i + BATCH], learner.train_frames, frame_step).to(learner.field_mean.device)
        total += float(learner.loss(clip)["loss"]) * len(clip)
    learner.train(training)
    return total / len(windows)

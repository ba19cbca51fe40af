"""A posterior of frozen tokens: summaries of one or several encoders, and the flows that read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from torch import Tensor

from ..metrics import cluster_means
from ..probes.base import Tokens
from ..probes.partial import with_labels
from .flows import require_sbi
from .npe import NeuralPosterior, require_enough
from .summary import Summary

if TYPE_CHECKING:
    from ..tokens import LabelScaler, TokenStore


class TokenPosterior:
    """Posterior of z-scored parameters given the tokens of the windows of a trajectory.

    Args:
        posterior: unfitted.
        seed: of the summaries.

    Attributes:
        summaries: by name of the encoder, e.g. ``tokens`` and ``spectra``; what they give is joined in this order.
        pairs: z-scored parameters ``(n, P)`` and summaries ``(n, S)`` of train, for what goes on from here with more
            simulations; None unless `fit` was asked to keep them.
    """

    def __init__(self, posterior: NeuralPosterior, seed: int = 0) -> None:
        self.posterior, self.seed = posterior, seed
        self.summaries: dict[str, Summary] = {}
        self.pairs: tuple[Tensor, Tensor] | None = None

    def fit(self, parts: Mapping[str, Mapping[str, TokenStore]], scaler: LabelScaler, keep_pairs: bool = False) -> Self:
        """From tokens of train and valid of every encoder, of the same trajectories; those with every label are taken.

        Args:
            parts: name of the encoder to split to tokens.
            scaler: of the labels.
            keep_pairs: fill `pairs`.

        Raises:
            PhysrepError: too few trajectories (`require_enough`), or `sbi` is not installed.
        """
        parts = {
            name: {s: with_labels(own, scaler, every=True) for s, own in stores.items()}
            for name, stores in parts.items()
        }
        first = next(iter(parts.values()))
        require_sbi()
        require_enough(first["train"].n_trajectories, first["valid"].n_trajectories)
        theta = {split: parameters_of(first[split], scaler) for split in ("train", "valid")}
        known = []
        for name, stores in parts.items():
            train = stores["train"]
            self.summaries[name] = Summary(self.seed)
            known.append(self.summaries[name].fit(np.asarray(train.tokens), train.trajectory, theta["train"]))
        summary = torch.cat(known, dim=1)
        self.pairs = (theta["train"], summary) if keep_pairs else None
        valid = self.summary({n: (np.asarray(s["valid"].tokens), s["valid"].trajectory) for n, s in parts.items()})
        self.posterior.fit(theta["train"], summary, theta["valid"], valid)
        return self

    def summary(self, tokens: Mapping[str, tuple[Tokens, np.ndarray]]) -> Tensor:
        """Of trajectories, ``(n, S)``, from tokens and trajectory of their windows by name of the encoder."""
        return torch.cat([own(*tokens[name]) for name, own in self.summaries.items()], dim=1)

    def sample(self, summary: Tensor, count: int) -> Tensor:
        """Draws ``(count, n, P)``."""
        return self.posterior.sample(summary, count)


def parameters_of(store: TokenStore, scaler: LabelScaler) -> Tensor:
    """Z-scored parameters of its trajectories, ``(n, P)``, sorted by their number."""
    scaled = scaler.transform(store.labels, store.parameter_names).numpy()
    return torch.from_numpy(cluster_means(scaled, store.trajectory)[0]).float()

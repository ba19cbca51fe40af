"""Probes on labels that are known for some windows only, and not for the same ones in every parameter."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from torch import Tensor

from ..tokens.labels import LabelScaler, label_groups
from ..tokens.store import TokenStore
from .base import Probe, Tokens
from .valid_grid import ValidGrid


class PartialProbe(Probe):
    """One copy of a probe per set of parameters that are known for the same windows, fitted to these windows.

    Args:
        probe: unfitted; it is copied.
    """

    def __init__(self, probe: Probe) -> None:
        self.probe = probe
        self.parts: list[tuple[list[int], Probe]] = []

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        """As `Probe.fit`; a label that is NaN is unknown."""
        self.parts, self.best_params_, grids = [], {}, []
        for columns, rows in label_groups(torch.cat([labels, labels_valid])):
            own, own_valid = rows[: len(labels)], rows[len(labels) :]
            part = copy.deepcopy(self.probe)
            part.fit(
                taken(tokens, own), labels[own][:, columns],
                taken(tokens_valid, own_valid), labels_valid[own_valid][:, columns],
            )  # fmt: skip
            self.parts.append((columns, part))
            self.best_params_[", ".join(map(str, columns))] = getattr(part, "best_params_", None)
            grids.append(None if part.valid_grid_ is None else _spread(part.valid_grid_, columns, own_valid))
            part.valid_grid_ = None
        self.valid_grid_ = [grid for own in grids for grid in own or []] if None not in grids else None
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        """As `Probe.predict`, of every parameter."""
        order = np.argsort([k for columns, _ in self.parts for k in columns])
        return torch.cat([part.predict(tokens) for _, part in self.parts], dim=1)[:, torch.from_numpy(order)]

    def predict_left_out(self, tokens: Tokens, labels: Tensor, trajectory: np.ndarray) -> Tensor | None:
        """As `Probe.predict_left_out`; NaN where the label is unknown."""
        whole = torch.full_like(labels, torch.nan)
        for columns, part in self.parts:
            rows = ~labels[:, columns[0]].isnan()
            own = part.predict_left_out(taken(tokens, rows), labels[rows][:, columns], trajectory[rows.numpy()])
            if own is None:
                return None
            whole[rows.nonzero(), torch.tensor(columns)] = own.to(whole.dtype)
        return whole


def for_labels(probe: Probe, stores: Mapping[str, TokenStore], scaler: LabelScaler) -> Probe:
    """The probe, or what fits one copy per set of parameters, where some are known for fewer windows than others.

    Args:
        probe: unfitted.
        stores: tokens of the splits that it is fitted to, which may hold others.
        scaler: names the parameters.
    """
    known = [
        scaler.transform(store.labels, store.parameter_names, unknown="keep")
        for store in (stores[split] for split in stores if split != "test")
    ]
    groups = label_groups(torch.cat(known))
    return probe if len(groups) == 1 or isinstance(probe, PartialProbe) else PartialProbe(probe)


def with_labels(store: TokenStore, scaler: LabelScaler, every: bool = False) -> TokenStore:
    """The windows that have a label of any parameter, or of every one; the store itself where all have."""
    unknown = scaler.transform(store.labels, store.parameter_names, unknown="keep").isnan()
    known = ~(unknown.any(dim=1) if every else unknown.all(dim=1)).numpy()
    if known.all():
        return store
    return replace(
        store, tokens=store.tokens[known], labels=store.labels[known], trajectory=store.trajectory[known],
        start=store.start[known],
    )  # fmt: skip


def taken(tokens: Tokens, rows: Tensor) -> Tokens:
    """Some windows; all of them without a copy."""
    if rows.all():
        return tokens
    return tokens[rows] if isinstance(tokens, Tensor) else tokens[rows.numpy()]


def _spread(grids: list[ValidGrid], columns: list[int], rows: Tensor) -> list[ValidGrid]:
    """Grids of some windows and columns as grids of all; unknown windows predict NaN and weigh nothing in a choice."""
    whole = []
    for grid in grids:
        settings, _, own = grid.prediction.shape
        prediction = torch.full((settings, len(rows), own), torch.nan, dtype=grid.prediction.dtype)
        loss = torch.zeros(settings, len(rows), dtype=grid.loss.dtype)
        prediction[:, rows], loss[:, rows] = grid.prediction, grid.loss
        whole.append(ValidGrid(tuple(columns[k] for k in grid.columns), prediction, loss))
    return whole

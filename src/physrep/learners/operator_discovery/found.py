"""What a fit of operator discovery finds, as it lies in a weight file: tensors, and a record as text in one of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...errors import PhysrepError
from ..base import Learner
from .library import Term, library, relation_terms
from .row_cache import RowsOfGeometries
from .trained_basis import TrainedBasis


class FoundOperator(Learner):
    """An operator with its directions, the errors of its rows and the record of its choices; empty before the fit."""

    def __init__(self, in_channels: int, num_frames: int) -> None:
        super().__init__(in_channels, num_frames)
        self.basis: TrainedBasis | None = None
        # What the fit finds, as tensors: weight files hold nothing else. Text is UTF-8.
        self.register_buffer("found", torch.zeros(0, dtype=torch.uint8))
        for name in (
            *("w0", "v", "chosen", "low", "high", "theta", "diagonal"),
            *("spectrum", "change", "model_errors", "noise_errors", "signal"),
        ):
            self.register_buffer(name, torch.zeros(0, dtype=torch.float64))
        self._rows = RowsOfGeometries()

    w0: Tensor
    """Coefficients ``(K, C)`` of the normalised channels that are kept."""
    v: Tensor
    """Directions ``(P, K, C)``."""
    spectrum: Tensor
    change: Tensor
    model_errors: Tensor
    noise_errors: Tensor
    signal: Tensor
    chosen: Tensor
    low: Tensor
    high: Tensor
    theta: Tensor
    """θ of the training trajectories, ``(n, P)``."""
    diagonal: Tensor
    found: Tensor

    @property
    def record(self) -> dict[str, Any]:
        """What was chosen: ``channels``, ``grade``, ``columns``, ``modes``, the ``curve`` of residuals and
        its ``best`` entry, the ``equation``.

        Raises:
            PhysrepError: nothing was fitted yet.
        """
        text = bytes(self.found.tolist()).decode()
        if not text:
            raise PhysrepError(
                "operator_discovery: was not fitted yet; run `physrep pretrain operator_discovery`, or load a run."
            )
        return json.loads(text)

    @property
    def embed_dim(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """P and the number of logarithms; 1 before the fit and where nothing varies."""
        return max(1, (self.v.shape[0] if self.v.ndim == 3 else 0) + self.chosen.numel())

    @property
    def terms(self) -> list[Term]:
        """The library's columns that are kept."""
        record = self.record
        # Runs of earlier versions hold no number of axes: there were two.
        whole = library(record["channels"], record["nonlocal"], record["grades"], record.get("axes", 2))
        whole += self.basis.terms() if self.basis is not None else []
        present = [term for one in record.get("relations", []) for term in relation_terms(**one)]
        return [whole[i] for i in record["columns"]] + present

    def keep(self, tensors: Mapping[str, Tensor]) -> None:
        """Take what a fit found, on the device of this learner."""
        for name, value in tensors.items():
            setattr(self, name, value.to(self.found.device))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        # What the fit found has sizes of its own: make room for what is stored.
        for name, buffer in list(self._buffers.items()):
            stored = state_dict.get(f"{prefix}{name}")
            if buffer is not None and stored is not None and stored.shape != buffer.shape:
                setattr(self, name, torch.zeros_like(stored, device=buffer.device))
        first = state_dict.get(f"{prefix}basis.convolutions.0.weight")
        if self.basis is not None and first is not None:
            options = self.basis.options
            self.basis = TrainedBasis(first.shape[1] // options.memory, options).to(self.found.device)
            self._rows = RowsOfGeometries()
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

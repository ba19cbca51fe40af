"""Rows of the geometries that came by, made once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .geometry import Geometry
from .library import Term
from .trained_basis import TrainedBasis
from .weak_form import WeakRows


class RowsOfGeometries:
    """The last few `WeakRows` that were made, by all that they depend on."""

    def __init__(self, largest: int = 4) -> None:
        self.largest, self._made = largest, {}

    def __call__(
        self,
        geometry: Geometry,
        terms: Sequence[Term],
        channels: Sequence[str],
        device: torch.device,
        basis: TrainedBasis | None = None,
    ) -> WeakRows:
        key = (geometry, tuple(terms), tuple(channels), device)
        if key not in self._made:
            if len(self._made) >= self.largest:
                self._made.pop(next(iter(self._made)))
            self._made[key] = WeakRows(geometry, terms, channels, device, basis)
        return self._made[key]

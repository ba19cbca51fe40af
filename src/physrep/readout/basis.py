"""What the readouts of one frozen learner are fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners.base import Learner
    from ..tokens import LabelScaler, TokenStore
    from ..tokens.protocol import Division


@dataclass(frozen=True)
class Basis:
    """A frozen learner with the data that it was asked about.

    Attributes:
        learner: frozen.
        stores, splits: its tokens, and the clips, of train, valid and test.
        scaler: of the labels.
        stride: distance between the starts of windows.
        spectra: folder that keeps the spectra of the data set.
        division: of nested cross-validation, where the benchmark has that protocol; its pool then is what was learned
            from, and scores of novelty are those of trajectories that the fit left out.
    """

    learner: Learner
    stores: Mapping[str, TokenStore]
    splits: Mapping[str, ClipDataset]
    scaler: LabelScaler
    stride: int
    spectra: str | Path
    division: Division | None = None

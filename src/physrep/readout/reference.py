"""Power spectra of a data set: the features that the verdict compares beside the tokens, whatever the encoder reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..data.locks import exclusive
from ..learners.spectra import Spectra
from ..tokens import TokenStore, embed

if TYPE_CHECKING:
    from ..data import ClipDataset

WINDOWS = 1024
"""Windows per split whose power spectra are computed; a subset of equal steps where there are more."""


def reference(train: ClipDataset, frames: int) -> Spectra:
    """The floor `physrep.learners.Spectra`, which normalises fields as the training split says."""
    spectra = Spectra(len(train.channels), frames)
    spectra.set_normalisation(train.channels, train.mean.tolist(), train.std.tolist())
    return spectra.eval()


def reference_stores(
    spectra: Spectra, splits: Mapping[str, ClipDataset], stride: int, frame_step: int, folder: str | Path
) -> dict[str, TokenStore]:
    """Spectra of windows of every split, computed once per data set.

    Args:
        spectra: of `reference`.
        splits: data sets by split.
        stride, frame_step: of the windows.
        folder: where they are kept, ``folder/FRAMES/SPLIT``; processes that share it wait for one another.
    """
    place = Path(folder) / str(spectra.num_frames)
    place.mkdir(parents=True, exist_ok=True)
    stores = {}
    with exclusive(place / ".lock"):
        for split, dataset in splits.items():
            rows = dataset.windows(spectra.num_frames, stride, frame_step)
            rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), WINDOWS), dtype=int))]
            stores[split] = embed(
                spectra,
                dataset,
                rows,
                place / split,
                frames=spectra.num_frames,
                frame_step=frame_step,
                encode=spectra.encode,
                label=f"spectra of {split}",
            )
    return stores

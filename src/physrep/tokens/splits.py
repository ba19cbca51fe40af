"""The tokens of every split of a data set by one frozen learner."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..learners.joined import joining
from .embed import embed
from .store import TokenStore

if TYPE_CHECKING:
    from ..data import ClipDataset
    from ..learners import Learner


def embed_splits(
    learner: Learner,
    splits: Mapping[str, ClipDataset],
    folder: str | Path,
    *,
    stride: int,
    frame_step: int = 1,
    batch_size: int = 64,
    dtype: str = "float32",
    device: str = "cpu",
    label: str = "embed",
) -> dict[str, TokenStore]:
    """Tokens of the windows of each split, in ``folder/SPLIT``.

    Args:
        learner: its `encode` gives the tokens, its `num_frames` the length of windows. If it joins windows, each of
            a trajectory's windows gets the token of all.
        splits: data sets by split.
        folder: where the stores go.
        stride: distance between the starts of windows.
        frame_step: distance between the frames of a window.
        batch_size, dtype, device: as in `physrep.tokens.embed`.
        label: shown with the progress, before the name of the split.
    """
    return {
        split: embed(
            learner,
            dataset,
            dataset.windows(learner.num_frames, stride, frame_step),
            Path(folder) / split,
            frames=learner.num_frames,
            frame_step=frame_step,
            encode=learner.encode,
            join=joining(learner),
            batch_size=batch_size,
            dtype=dtype,
            device=device,
            label=f"{label} {split}",
        )
        for split, dataset in splits.items()
    }

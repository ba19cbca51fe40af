"""Opening a split as windows; its cache is built first if there is none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .cache import cached
from .cache_plan import Dtype, SplitRequest
from .channel_stats import ChannelStats
from .clips import ClipDataset
from .label_table import read_labels
from .missing import Missing
from .observation import Spec
from .remote import RemotePath
from .resample import Method
from .scan import Crop


def open_clips(
    root: str | Path | RemotePath,
    split: str,
    *,
    fields: Sequence[str] | None = None,
    parameters: Sequence[str] | None = None,
    resolution: Sequence[int] | None = None,
    resample: Method | None = "bilinear",
    crop: Crop = None,
    dtype: Dtype = "float32",
    max_trajectories: int | None = None,
    stats: ChannelStats | None = None,
    cache_dir: str | Path | None = None,
    labels: str | Path | None = None,
    observation: Spec | None = None,
    observation_seed: int = 0,
    missing: Missing = "refuse",
) -> ClipDataset:
    """Open a split for training or evaluation; its cache is built first if there is none.

    Args:
        root, split, fields, parameters, resolution, resample, crop, max_trajectories: as in `WellSplit`.
        dtype, cache_dir, missing: as in `physrep.data.cache_plan.SplitRequest`.
        stats: statistics to normalise with; the training split has its own, other splits need ``train.stats``.
        labels: CSV file with further parameters of every trajectory, see `physrep.data.label_table`.
        observation, observation_seed: what an instrument makes of the fields, see `physrep.data.observation`.

    Raises:
        PhysrepError: see `WellSplit`, `physrep.data.cache.cached` and `physrep.data.label_table.read_labels`.
    """
    request = SplitRequest(fields, resolution, resample, crop, dtype, cache_dir, missing)
    cache = cached(root, split, request, observation, observation_seed)
    table = read_labels(labels, root, split) if labels else None
    return ClipDataset(cache.folder, parameters, max_trajectories, stats, table, cache.files)

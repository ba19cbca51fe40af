"""Trajectories on disk and clips in memory: the only room that knows HDF5."""

from typing import TYPE_CHECKING

from ..lazy import names_on_first_use

if TYPE_CHECKING:
    from .augment import Symmetries as Symmetries
    from .cache import cached as cached
    from .cache import check_cache_space as check_cache_space
    from .cache_plan import SplitRequest as SplitRequest
    from .channel_stats import ChannelStats as ChannelStats
    from .check import check as check
    from .check import exit_code as exit_code
    from .clips import ClipDataset as ClipDataset
    from .faults import Fault as Fault
    from .leaks import assert_no_leaks as assert_no_leaks
    from .locate import locate_dataset as locate_dataset
    from .names import SPLITS as SPLITS
    from .opening import open_clips as open_clips
    from .reader import WellSplit as WellSplit
    from .remote import RemotePath as RemotePath
    from .remote import as_path as as_path
    from .scan import has_split as has_split
    from .scan import split_files as split_files
    from .splits import assert_disjoint as assert_disjoint
    from .splits import assign_splits as assign_splits
    from .splits import split_counts as split_counts
    from .stats import compute_stats as compute_stats
    from .stats import read_stats as read_stats
    from .stats import write_stats as write_stats
    from .stored_split import StoredSplit as StoredSplit
    from .well import select_trajectories as select_trajectories
    from .well import write_well as write_well
    from .wellfile import WellFile as WellFile
    from .wellfile import open_well as open_well

__all__ = names_on_first_use(__name__)  # pyright: ignore[reportUnsupportedDunderAll]

"""Trajectories on disk and clips in memory: the only room that knows HDF5."""

from .augment import Symmetries
from .cache import cached_split, check_cache_space
from .check import check, exit_code
from .clips import ChannelStats, ClipDataset, open_clips
from .faults import Fault
from .leaks import assert_no_leaks
from .locate import locate_dataset
from .reader import WellSplit
from .remote import RemotePath, as_path
from .scan import SPLITS, has_split, split_files
from .splits import assert_disjoint, assign_splits, split_counts, split_of
from .stats import compute_stats, read_stats, write_stats
from .well import select_trajectories, write_well
from .wellfile import WellFile, open_well

__all__ = [
    "SPLITS",
    "ChannelStats",
    "ClipDataset",
    "Fault",
    "RemotePath",
    "Symmetries",
    "WellFile",
    "WellSplit",
    "as_path",
    "assert_disjoint",
    "assert_no_leaks",
    "assign_splits",
    "cached_split",
    "check",
    "check_cache_space",
    "compute_stats",
    "exit_code",
    "has_split",
    "locate_dataset",
    "open_clips",
    "open_well",
    "read_stats",
    "select_trajectories",
    "split_counts",
    "split_files",
    "split_of",
    "write_stats",
    "write_well",
]

"""Frozen tokens: embedding, token stores, label scalers and the splits of a data set as tokens."""

from .embed import embed
from .labels import LabelScaler, paper_label_statistics
from .splits import embed_splits
from .store import TokenStore
from .trajectories import LatentTrajectories, joined

__all__ = [
    "LabelScaler",
    "LatentTrajectories",
    "TokenStore",
    "embed",
    "embed_splits",
    "joined",
    "paper_label_statistics",
]

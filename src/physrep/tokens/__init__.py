"""Frozen tokens: embedding, token stores, label scalers and the splits of a data set as tokens."""

from .embed import embed
from .labels import LabelScaler, paper_label_statistics
from .splits import embed_splits
from .store import TokenStore

__all__ = ["LabelScaler", "TokenStore", "embed", "embed_splits", "paper_label_statistics"]

"""Frozen tokens: embedding, token stores, label scalers and the splits of a data set as tokens."""

from typing import TYPE_CHECKING

from ..lazy import names_on_first_use

if TYPE_CHECKING:
    from .embed import embed as embed
    from .labels import LabelScaler as LabelScaler
    from .labels import paper_label_statistics as paper_label_statistics
    from .splits import embed_splits as embed_splits
    from .store import TokenStore as TokenStore
    from .trajectories import LatentTrajectories as LatentTrajectories
    from .trajectories import joined_stores as joined_stores

_PLACES = {
    "embed": "embed",
    "LabelScaler": "labels",
    "paper_label_statistics": "labels",
    "embed_splits": "splits",
    "TokenStore": "store",
    "LatentTrajectories": "trajectories",
    "joined_stores": "trajectories",
}
__all__ = [*_PLACES]  # pyright: ignore[reportUnsupportedDunderAll]

names_on_first_use(__name__, _PLACES)

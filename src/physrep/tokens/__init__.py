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

__all__ = names_on_first_use(__name__)  # pyright: ignore[reportUnsupportedDunderAll]

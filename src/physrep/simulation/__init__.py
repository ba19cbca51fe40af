"""From the name of a system to files in The Well's format: data sets, single runs from stored frames, pictures."""

from typing import TYPE_CHECKING

from ..lazy import names_on_first_use

if TYPE_CHECKING:
    from .config import MARK as MARK
    from .config import SimulationConfig as SimulationConfig
    from .dataset import simulate as simulate
    from .file import simulate_at as simulate_at
    from .restart import simulate_from as simulate_from

__all__ = names_on_first_use(__name__)  # pyright: ignore[reportUnsupportedDunderAll]

"""From the name of a system to files in The Well's format: data sets, single runs from stored frames, pictures."""

from typing import TYPE_CHECKING

from ..lazy import names_on_first_use

if TYPE_CHECKING:
    from .config import MARK as MARK
    from .config import SimulationConfig as SimulationConfig
    from .dataset import simulate as simulate
    from .file import simulate_at as simulate_at
    from .restart import simulate_from as simulate_from

_PLACES = {
    "MARK": "config",
    "SimulationConfig": "config",
    "simulate": "dataset",
    "simulate_at": "file",
    "simulate_from": "restart",
}
__all__ = [*_PLACES]  # pyright: ignore[reportUnsupportedDunderAll]

names_on_first_use(__name__, _PLACES)

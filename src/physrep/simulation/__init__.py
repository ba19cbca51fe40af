"""From the name of a system to files in The Well's format: data sets, single runs from stored frames, pictures."""

from .config import MARK, SimulationConfig
from .dataset import simulate
from .restart import simulate_from

__all__ = ["MARK", "SimulationConfig", "simulate", "simulate_from"]

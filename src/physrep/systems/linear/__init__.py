"""Linear systems, integrated exactly, and pairs of them that start alike."""

from .advection_diffusion import AdvectionDiffusion
from .damped_wave import DampedWave
from .heat import Heat, HeatFixedEdges

__all__ = ["AdvectionDiffusion", "DampedWave", "Heat", "HeatFixedEdges"]

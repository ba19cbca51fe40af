"""Physical systems: equations to trajectories. `SYSTEMS` maps names to instances."""

from .active_matter import ActiveMatter
from .base import System
from .definition import Definition
from .description import Field, Parameter, Trajectories, trajectory_seed
from .gray_scott import GrayScott, GrayScott3D
from .linear import AdvectionDiffusion, DampedWave, Heat, HeatFixedEdges
from .rayleigh_benard import RayleighBenard, RayleighBenardUniform
from .registry import SystemRegistry
from .shear_flow import ShearFlow
from .vicsek import Vicsek

OWN: tuple[System, ...] = (
    ShearFlow(),
    RayleighBenard(),
    RayleighBenardUniform(),
    ActiveMatter(),
    GrayScott(),
    GrayScott3D(),
    Heat(),
    HeatFixedEdges(),
    AdvectionDiffusion(),
    DampedWave(),
    Vicsek(),
)
SYSTEMS = SystemRegistry({system.name: system for system in OWN})
"""Every system by name, those of plugins (entry points of the group ``physrep.systems``) and those by import path.

Users may add their own: ``SYSTEMS["mine"] = MySystem()``, for this process.
"""

__all__ = ["SYSTEMS", "Definition", "Field", "Parameter", "System", "Trajectories", "trajectory_seed"]

"""Physical systems: equations to trajectories. `SYSTEMS` maps names to instances."""

from .base import Field, Parameter, System, Trajectories, trajectory_seed
from .shear_flow import ShearFlow

SYSTEMS: dict[str, System] = {system.name: system for system in (ShearFlow(),)}
"""Every system by name. Users may add their own: ``SYSTEMS["mine"] = MySystem()``."""

__all__ = ["SYSTEMS", "Field", "Parameter", "System", "Trajectories", "trajectory_seed"]

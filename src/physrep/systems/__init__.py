"""Physical systems: equations to trajectories. `SYSTEMS` maps names to instances."""

from .active_matter import ActiveMatter
from .base import System
from .description import Field, Parameter, Trajectories, trajectory_seed
from .gray_scott import GrayScott, GrayScott3D
from .linear import AdvectionDiffusion, DampedWave, Heat, HeatFixedEdges
from .rayleigh_benard import RayleighBenard, RayleighBenardUniform
from .shear_flow import ShearFlow

SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
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
    )
}
"""Every system by name. Users may add their own: ``SYSTEMS["mine"] = MySystem()``."""

__all__ = ["SYSTEMS", "Field", "Parameter", "System", "Trajectories", "trajectory_seed"]

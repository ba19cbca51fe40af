"""Physical systems: equations to trajectories. `SYSTEMS` maps names to instances."""

from .active_matter import ActiveMatter
from .advection_diffusion import AdvectionDiffusion
from .base import Field, Parameter, System, Trajectories, trajectory_seed
from .damped_wave import DampedWave
from .gray_scott import GrayScott, GrayScott3D
from .heat import Heat, HeatFixedEdges
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

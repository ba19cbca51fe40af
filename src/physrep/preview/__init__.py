"""Pictures of simulated data: a contact sheet and an animation of a few trajectories."""

from .pictures import write_preview

__all__ = ["write_preview"]

"""The Gray-Scott reaction in two and three dimensions."""

from .system import GrayScott, GrayScott3D

__all__ = ["GrayScott", "GrayScott3D"]

"""Rayleigh-Bénard convection between two walls."""

from .system import RayleighBenard, RayleighBenardUniform

__all__ = ["RayleighBenard", "RayleighBenardUniform"]

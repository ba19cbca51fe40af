"""Shear flow with a tracer."""

from .system import ShearFlow

__all__ = ["ShearFlow"]

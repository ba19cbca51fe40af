"""Self-propelled particles that align, rendered to fields."""

from .system import Vicsek

__all__ = ["Vicsek"]

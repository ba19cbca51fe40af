"""Active matter: a suspension of rods that stir their fluid."""

from .system import ActiveMatter

__all__ = ["ActiveMatter"]

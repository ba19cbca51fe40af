"""Reading the checkpoints of published code: one module per family, all to one form, `Imported`."""

from .base import Imported, read_tensors

__all__ = ["Imported", "read_tensors"]

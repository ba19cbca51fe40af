"""Regularisers of joint embeddings: modules ``(prediction (..., C), target (..., C)) -> {"loss": ..., ...}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ..registry import build
from .sigreg import SIGReg
from .vicreg import VICReg

REGULARISERS: dict[str, type[nn.Module]] = {"vicreg": VICReg, "sigreg": SIGReg}


def build_regulariser(given: nn.Module | str | Mapping[str, Any] | None) -> nn.Module:
    """A regulariser from a module, a name, or ``{name: sigreg, ...options}``; the name is ``vicreg`` if none is given.

    Raises:
        PhysrepError: unknown name or option.
    """
    if isinstance(given, nn.Module):
        return given
    options = {"name": given} if isinstance(given, str) else dict(given or {})
    return build(options.pop("name", "vicreg"), REGULARISERS, "regulariser", options)

"""What a system is made of: parameters, fields, trajectories, seeds."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class Parameter:
    """A physical parameter and its prior.

    Attributes:
        name: name in files and tables, e.g. ``"Reynolds"``.
        symbol: as printed in figures, e.g. ``"Re"``.
        low, high: range of the prior.
        scale: ``"log"`` draws and scores the logarithm, ``"linear"`` the value.
        unit: unit, ``"1"`` if dimensionless.
        meaning: a few words.
    """

    name: str
    symbol: str
    low: float
    high: float
    scale: Literal["log", "linear"] = "log"
    unit: str = "1"
    meaning: str = ""

    def draw(self, u: float, low: float | None = None, high: float | None = None) -> float:
        """Value at the quantile ``u`` in [0, 1] of the uniform (or log-uniform) prior on ``[low, high]``.

        Args:
            u: quantile.
            low: lower end; default the parameter's own.
            high: upper end; default the parameter's own.
        """
        low = self.low if low is None else low
        high = self.high if high is None else high
        if self.scale == "log":
            return math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
        return low + u * (high - low)


@dataclass(frozen=True)
class Field:
    """A stored field: ``order`` 0 is a scalar, 1 a vector (trailing axis D), 2 a tensor (trailing axes D, D)."""

    name: str
    order: int = 0


@dataclass
class Trajectories:
    """Simulated trajectories of one system.

    Attributes:
        system: name of the system.
        fields: name to tensor with shape ``(B, T, *S)`` followed by ``(D,)`` or ``(D, D)`` for vectors and tensors.
        parameters: name to tensor with shape ``(B,)``; NaN is unknown, and there may be none.
        time: saved times with shape ``(T,)``, in the system's unit.
        coordinates: axis name to grid coordinates, in storage order.
        periodic: per axis, whether it is periodic.
        failed: trajectory index (0 to B-1) to the reason why it was ended; its frames must not be used.
        attributes: notes for the file's metadata (solver, initial condition, resolution checks).
        units: what a file that they come from states, by what they are of (`physrep.data.units`).
    """

    system: str
    fields: dict[str, Tensor]
    parameters: dict[str, Tensor]
    time: Tensor
    coordinates: dict[str, Tensor]
    periodic: tuple[bool, ...]
    failed: dict[int, str] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.fields.values())))


def trajectory_seed(*parts: int | str) -> int:
    """A 63-bit seed from any names and numbers: the same on every machine and for any number of workers."""
    digest = hashlib.sha256("/".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def draw_number(generator: torch.Generator, low: float, high: float, log: bool = False) -> float:
    """A uniform (or log-uniform) number."""
    u = float(torch.rand((), generator=generator, dtype=torch.float64))
    return math.exp(math.log(low) + u * math.log(high / low)) if log else low + u * (high - low)

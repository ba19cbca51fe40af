"""What integrates one batch of trajectories, and the loop that stores its frames."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Setup:
    """How a batch is to be integrated, checked and with defaults filled in.

    Attributes:
        resolution: grid points per axis.
        initial_condition: name of the family of starts, or ``"given"``.
        options: the system's own switches, ``{name: value}`` (see `System.options`).
        dtype: float32 or float64.
        device: where to compute.
        max_dt: upper bound of the time step, below what stability or accuracy ask for; None for no bound.
    """

    resolution: tuple[int, ...]
    initial_condition: str
    options: dict[str, Any] = field(default_factory=dict)
    dtype: torch.dtype = torch.float32
    device: torch.device | str = "cpu"
    max_dt: float | None = None


class Solver(ABC):
    """The equations of one batch, discretised in space, with the present state.

    Trajectories never interact: what happens in one row does not depend on the others, up to rounding.
    """

    @abstractmethod
    def snapshot(self) -> dict[str, Tensor]:
        """The stored fields at the present time, ``(B, *S)`` plus component axes, in tensors of their own."""

    @abstractmethod
    def advance(self, interval: float) -> None:
        """Integrate all trajectories over ``interval``, in as many steps as each of them needs."""

    @abstractmethod
    def faults(self) -> dict[int, str]:
        """Rows whose state is not finite or not physical any more, each with the reason."""

    @abstractmethod
    def rest(self, rows: Sequence[int]) -> None:
        """Put these rows into a state of rest, so that the others go on undisturbed at no more cost."""


def lawson_factors(rate: Tensor, steps: Sequence[int], interval: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """exp(-rate Δt / 2), once for the real and once for the imaginary part, ``(B, ..., 2)``, and Δt, for Lawson's RK4.

    Args:
        rate: at which every mode decays, with shape ``(B, F, K, nx)``.
        steps: equal steps of every trajectory within the interval.
        interval: of time.
        dtype: of the results.
    """
    dt = interval / torch.tensor(steps, dtype=torch.float64, device=rate.device).view(-1, 1, 1, 1, 1)
    factor = torch.exp(rate * (dt[..., 0] / -2)).to(dtype)
    return torch.stack([factor, factor], -1), dt.to(dtype)


@torch.inference_mode()
def record(solver: Solver, frames: int, save_dt: float) -> tuple[dict[str, Tensor], dict[int, str]]:
    """Stored fields ``(B, T, ...)`` of one batch, and the reason for every trajectory that was ended.

    A trajectory is ended in the frame in which it is found faulty; its frames from there on are NaN.
    """
    stored: dict[str, list[Tensor]] = {}
    ended: dict[int, tuple[int, str]] = {}
    for frame in range(frames):
        found = {row: reason for row, reason in solver.faults().items() if row not in ended}
        if found:
            ended |= {row: (frame, f"{reason} at t = {frame * save_dt:.4g}") for row, reason in found.items()}
            solver.rest(list(found))
        for name, value in solver.snapshot().items():
            stored.setdefault(name, []).append(value.cpu())
        if frame + 1 < frames and len(ended) < len(next(iter(stored.values()))[0]):
            solver.advance(save_dt)
    fields = {name: torch.stack(values, 1) for name, values in stored.items()}
    for row, (frame, _) in ended.items():
        for value in fields.values():
            value[row, frame:] = math.nan
    return fields, {row: reason for row, (_, reason) in ended.items()}

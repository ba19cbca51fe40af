"""state.pt: what an interrupted training continues from. Tensors and plain data only.

Files that Lightning's Trainer wrote, which earlier versions used, are read as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import PhysrepError, one_line
from ..files import atomic_path
from ..run_directory import STATE

FORMAT = 2


@dataclass
class State:
    """A training after ``step`` optimiser steps.

    Attributes:
        step: steps done.
        weights: of the learner.
        optimiser: AdamW's state.
        scaler: that of the gradient scaler, for float16.
        best: lowest validation loss and its step.
        best_weights: the weights of that step.
        seconds: of training so far.
    """

    step: int
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    scaler: dict[str, Any]
    best: tuple[float, int] = (float("inf"), 0)
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    seconds: float = 0.0


def write_state(out: Path, state: State) -> None:
    """Replace the run's state."""
    with atomic_path(out / STATE) as temporary:
        torch.save({"format": FORMAT, **vars(state), "best": list(state.best)}, temporary)


def read_state(out: Path) -> State | None:
    """The run's state; None if it has none yet.

    Raises:
        PhysrepError: the file is damaged, or holds something else.
    """
    path = out / STATE
    if not path.is_file():
        return None
    remedy = "delete it, and the training begins anew"
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes reach every part of torch's reader, and each has exceptions of its own
        reason = one_line(error, 80)
        raise PhysrepError(f"{path}: is damaged, or is no state of a training ({reason}); {remedy}.") from error
    try:
        if "pytorch-lightning_version" in stored:
            return _of_lightning(stored)
        if stored["format"] != FORMAT:
            raise PhysrepError(f"{path}: was written by another version of physrep; {remedy}.")
        best = (float(stored["best"][0]), int(stored["best"][1]))
        del stored["format"]
        return State(**{**stored, "best": best, "step": int(stored["step"]), "seconds": float(stored["seconds"])})
    except PhysrepError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise PhysrepError(f"{path}: holds no state of a training; {remedy}.") from error


def _of_lightning(stored: dict[str, Any]) -> State:
    book = stored["callbacks"]["Bookkeeper"]
    return State(
        int(stored["global_step"]),
        {name.removeprefix("learner."): value for name, value in stored["state_dict"].items()},
        stored["optimizer_states"][0],
        stored.get("MixedPrecision") or {},
        (float(book["best"][0]), int(book["best"][1])),
        book["best_weights"],
        float(book["seconds"]),
    )


def restore(
    state: State, out: Path, learner: nn.Module, optimiser: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> None:
    """Put weights and optimiser back to where the state was taken.

    Raises:
        PhysrepError: the state is of another learner.
    """
    try:
        learner.load_state_dict(state.weights)
        optimiser.load_state_dict(state.optimiser)
        if state.scaler:
            scaler.load_state_dict(state.scaler)
        for parameter, values in optimiser.state.items():
            if any(t.shape != parameter.shape for name, t in values.items() if name.startswith("exp_avg")):
                raise ValueError("moments of other shapes")
    except PhysrepError:
        raise
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        reason = one_line(error)
        raise PhysrepError(
            f"{out / STATE}: is not the state of this learner ({reason}); delete it, and the training begins anew."
        ) from error

"""What every published checkpoint becomes, and how its file is read: as tensors, never as code."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError

WRAPPERS = ("model_state", "model", "state_dict", "module", "encoder")
"""Keys under which training scripts put the state dict; the first that is found is opened."""


@dataclass
class Imported:
    """A learner described by a checkpoint.

    Attributes:
        learner: name in `physrep.learners.LEARNERS`.
        options: keyword arguments that give the learner the sizes of the checkpoint.
        in_channels, num_frames: further arguments of the learner.
        state: weights under the learner's own parameter names, without the buffers of its normalisation.
        unused: keys of the file that were left out, for the message to the user.
        fresh: parameters of the learner that the file does not hold and that keep their initial values.
    """

    learner: str
    options: dict[str, Any]
    in_channels: int
    num_frames: int
    state: dict[str, Tensor]
    unused: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The state dict of a checkpoint file: safetensors, or what ``torch.save`` wrote, read with ``weights_only``.

    Wrappers (``model_state``, ``model``, ``state_dict``, ...) are opened and the prefix ``module.`` of data-parallel
    training is removed.

    Raises:
        PhysrepError: the file is missing, unreadable, would need code to be run, or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise PhysrepError(f"{path}: there is no such file; give a checkpoint (.pth, .pt, .tar, .bin, .safetensors).")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise PhysrepError(
            f"{path}: holds objects other than tensors and is not unpickled, since that would run its code; "
            "save its state dict alone, e.g. torch.save(model.state_dict(), FILE)."
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise PhysrepError(f"{path}: cannot be read as a checkpoint ({reason}).") from error
    while isinstance(found, Mapping) and not any(isinstance(value, Tensor) for value in found.values()):
        inner = next((found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)
        if inner is None:
            break
        found = inner
    tensors = {k: v for k, v in found.items() if isinstance(v, Tensor)} if isinstance(found, Mapping) else {}
    if not tensors:
        raise PhysrepError(f"{path}: holds no state dict; give a checkpoint with named tensors.")
    while all(key.startswith("module.") for key in tensors):
        tensors = {key.removeprefix("module."): value for key, value in tensors.items()}
    return tensors

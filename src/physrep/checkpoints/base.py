"""What every published checkpoint becomes, and how its file is read: as tensors, never as code."""

from __future__ import annotations

import argparse
import contextlib
import pathlib
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import PhysrepError, one_line

WRAPPERS = (
    "app",
    "model_state",
    "model_state_dict",
    "model",
    "state_dict",
    "module",
    "encoder",
    "net",
    "network",
    "weights",
)
"""Keys under which training scripts put the state dict; the first that is found is opened."""

PREFIXES = ("_orig_mod.", "module.", "model.")
"""What torch.compile, data-parallel training and trainers put before every name, in any order."""

DEEPEST = 16
"""Wrappers around wrappers that are opened; one that holds itself would never end."""


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
        notes: sentences for the user, such as channels that are not read.
    """

    learner: str
    options: dict[str, Any]
    in_channels: int
    num_frames: int
    state: dict[str, Tensor]
    unused: list[str] = field(default_factory=list)
    fresh: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """The state dict of a checkpoint file: safetensors, or what ``torch.save`` wrote, read as tensors and plain data.

    Wrappers (`WRAPPERS`) are opened and the `PREFIXES` that all names share are removed. Settings that lie beside the
    weights as `argparse.Namespace` or as numpy numbers are allowed: both are plain data.

    Args:
        path: the file.

    Raises:
        PhysrepError: the file is missing, unreadable, would need code to be run, or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise PhysrepError(f"{path}: there is no such file; give a checkpoint (.pth, .pt, .tar, .bin, .safetensors).")
    return _without_prefixes(_state_dict(_load(path), path))


def _load(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        with torch.serialization.safe_globals(_plain_types()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise PhysrepError(
            f"{path}: holds objects other than tensors and is not unpickled, since that would run its code; "
            "save its state dict alone, e.g. torch.save(model.state_dict(), FILE)."
        ) from error
    except Exception as error:
        reason = one_line(error)
        raise PhysrepError(f"{path}: cannot be read as a checkpoint ({reason}); copy or save it again.") from error


def _plain_types() -> list[Any]:
    """Types that hold settings and no code: what trainers save beside the weights."""
    numpy_scalars = [np.dtype, *{type(np.dtype(kind)) for kind in "?bBhHiIlLqQefdFD"}]
    scalar = (np._core if hasattr(np, "_core") else np.core).multiarray.scalar  # pyright: ignore[reportAttributeAccessIssue]
    return [argparse.Namespace, pathlib.PurePosixPath, pathlib.PosixPath, scalar, *numpy_scalars]


def _state_dict(found: Any, path: Path) -> dict[str, Tensor]:
    """The innermost mapping that holds the weights, as named tensors."""
    for _ in range(DEEPEST):
        if not isinstance(found, Mapping):
            break
        inner = next((found[key] for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)
        # Loose tensors may lie beside the state dict (an exponential mean, a step count): the larger part is opened.
        loose = sum(isinstance(value, Tensor) for value in found.values())
        if inner is None or loose > _count(inner):
            break
        found = inner
    else:
        raise PhysrepError(f"{path}: wraps its weights more than {DEEPEST} times; save the state dict alone.")
    tensors = {k: v for k, v in found.items() if isinstance(v, Tensor)} if isinstance(found, Mapping) else {}
    odd = next((key for key in tensors if not isinstance(key, str)), None)
    if odd is not None:
        raise PhysrepError(f"{path}: a weight is called {odd!r}, which is no name; save a state dict of a module.")
    if not tensors:
        raise PhysrepError(f"{path}: holds no state dict; give a checkpoint with named tensors.")
    return tensors


def _count(found: Any, depth: int = 0) -> int:
    """Tensors in a mapping and in the wrappers inside it."""
    if not isinstance(found, Mapping) or depth > DEEPEST:
        return 0
    inner = sum(_count(found[key], depth + 1) for key in WRAPPERS if isinstance(found.get(key), Mapping))
    return inner + sum(isinstance(value, Tensor) for value in found.values())


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    while True:
        prefix = next((p for p in PREFIXES if all(key.startswith(p) and key != p for key in tensors)), None)
        if prefix is None:
            return tensors
        tensors = {key.removeprefix(prefix): value for key, value in tensors.items()}


def count_of(tensors: Mapping[str, Tensor], stem: str) -> int:
    """Length of a list of modules whose tensors are called ``STEM0...``, ``STEM1...``; 0 if there is none."""
    numbers = {key.removeprefix(stem).split(".")[0] for key in tensors if key.startswith(stem)}
    return max((int(number) + 1 for number in numbers if number.isdigit()), default=0)


@contextlib.contextmanager
def reading_shapes(what: str, tensors: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside, sizes are read off the shapes of tensors.

    Raises:
        PhysrepError: the tensors are those of another model than ``what``.
    """
    try:
        yield
    except PhysrepError:
        raise
    except (KeyError, ValueError, StopIteration, IndexError) as error:
        raise PhysrepError(
            f"the checkpoint holds no {what} ({error}); its first key is {next(iter(tensors))!r}."
        ) from error


def wanted_tensors(tensors: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """Those of the tensors that a model wants, in its order.

    Raises:
        PhysrepError: one is missing or has another shape.
    """
    shapes = {key: value.shape for key, value in model.state_dict().items()}
    missing = sorted(set(shapes) - set(tensors))
    if missing:
        raise PhysrepError(f"the checkpoint lacks {missing[0]!r} ({len(missing)} tensors in all); it is incomplete.")
    wrong = next((key for key, shape in shapes.items() if tensors[key].shape != shape), None)
    if wrong is not None:
        raise PhysrepError(f"{wrong} has shape {tuple(tensors[wrong].shape)}, wanted {tuple(shapes[wrong])}.")
    return {key: tensors[key] for key in shapes}

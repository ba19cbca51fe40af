"""The contract of a probe: frozen tokens in, z-scored parameters out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError
from ..renamed import warn_renamed
from .valid_grid import ValidGrid

Tokens = Tensor | np.ndarray
"""Tokens with shape ``(windows, N, D)``: a tensor or an array, also memory-mapped and of half precision."""


class Probe(ABC):
    """A small model from frozen tokens to parameters.

    It is fitted on the training split, chooses its own settings on the validation split, and never sees test labels.

    Attributes:
        best_params_: after `fit`, what was chosen on valid, as plain data.
        valid_grid_: after `fit`, what every setting predicted of valid, from which honest intervals come; None for a
            probe that does not tell. It is not stored.
    """

    best_params_: dict[str, Any]
    valid_grid_: list[ValidGrid] | None = None

    @property
    def choice(self) -> dict[str, Any]:
        """The former name of `best_params_`."""
        warn_renamed("choice", "best_params_", type(self).__name__)
        return self.best_params_

    @choice.setter
    def choice(self, value: dict[str, Any]) -> None:
        warn_renamed("choice", "best_params_", type(self).__name__)
        self.best_params_ = value

    @abstractmethod
    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        """Fit on train and choose settings on valid.

        Args:
            tokens, tokens_valid: tokens with shape ``(windows, N, D)``.
            labels, labels_valid: z-scored parameters with shape ``(windows, P)``.

        Returns:
            The probe itself.
        """

    @abstractmethod
    def predict(self, tokens: Tokens) -> Tensor:
        """Z-scored parameters with shape ``(windows, P)``, float32 on the CPU."""

    def predict_left_out(self, tokens: Tokens, labels: Tensor, trajectory: np.ndarray) -> Tensor | None:
        """What a fitted probe with the chosen settings predicts of train, every trajectory by a fit without it.

        Args:
            tokens, labels: of `fit`.
            trajectory: of every window.

        Returns:
            Z-scored, with shape ``(windows, P)``; None if that takes more than a closed form.
        """
        return None


def check_tokens(tokens: Tokens, name: str = "tokens") -> None:
    """Require ``(windows, N, D)`` without an empty axis.

    Raises:
        PhysrepError: another shape, or not a floating-point array.
    """
    if tokens.ndim != 3 or 0 in tokens.shape:
        raise PhysrepError(f"{name} have the shape {tuple(tokens.shape)}; they must be (windows, tokens, channels).")
    floating = tokens.is_floating_point() if isinstance(tokens, Tensor) else np.issubdtype(tokens.dtype, np.floating)
    if not floating:
        raise PhysrepError(f"{name} have the type {tokens.dtype}; an encoder must give floating-point numbers.")


def check_pair(tokens: Tokens, labels: Tensor, name: str) -> None:
    """Require tokens ``(windows, N, D)`` and finite labels ``(windows, P)`` of the same windows."""
    check_tokens(tokens, f"{name} tokens")
    if labels.ndim != 2 or len(labels) != len(tokens):
        raise PhysrepError(f"{name} labels {tuple(labels.shape)} do not match the {len(tokens)} windows of tokens.")
    if not torch.isfinite(labels).all():
        raise PhysrepError(f"{name} labels hold NaN or infinity; mend the parameters in the data file.")


def batches(tokens: Tokens, size: int) -> Iterator[Tensor]:
    """Consecutive float32 batches of tokens on the CPU; only one batch of a memory-mapped array is in memory.

    Raises:
        PhysrepError: a token is NaN or infinite.
    """
    return (take(tokens, rows) for rows in row_batches(tokens, size))


def row_batches(windows: Tokens, size: int) -> list[slice]:
    """Consecutive windows, as slices; all at once in a program, which has no loop over a number that it does not know.

    Args:
        windows: one row each.
        size: of a batch.
    """
    if torch.compiler.is_exporting():
        return [slice(None)]
    return [slice(start, start + size) for start in range(0, len(windows), size)]


def take(tokens: Tokens, rows: slice | np.ndarray) -> Tensor:
    """The given windows as a float32 tensor on the CPU.

    Raises:
        PhysrepError: a token is NaN or infinite.
    """
    part = tokens[rows] if isinstance(tokens, Tensor) else torch.from_numpy(np.array(tokens[rows]))
    part = part.detach().to("cpu", torch.float32)
    if not torch.compiler.is_exporting() and not torch.isfinite(part).all():
        raise PhysrepError("tokens hold NaN or infinity; the encoder diverged, or its tokens exceed half precision.")
    return part

"""Tokens as they are stored: checked, and of the type of the store."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError


class TooLargeError(Exception):
    """Tokens do not fit the type of the store; the argument is the largest of them."""


def checked_tokens(tokens: Any, windows: int, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if not isinstance(tokens, Tensor) or tokens.ndim != 3 or len(tokens) != windows or 0 in tokens.shape:
        found = tuple(tokens.shape) if isinstance(tokens, Tensor) else type(tokens).__name__
        raise PhysrepError(f"the encoder gave {found} for {windows} windows, not ({windows}, tokens, channels).")
    if shape and tuple(tokens.shape[1:]) != shape:
        raise PhysrepError(f"the encoder gave tokens {shape} first and {tuple(tokens.shape[1:])} later; mend it.")
    if not tokens.is_floating_point():
        raise PhysrepError(f"the encoder gave tokens of type {tokens.dtype}; they must be floating-point numbers.")
    if not torch.isfinite(tokens).all():
        raise PhysrepError(
            "the encoder gave NaN or infinite tokens; check its weights and the fields it was given (parameters, "
            "trajectory and start of a clip are hidden from it: they are NaN and -1)."
        )
    return as_stored(tokens, dtype)


def as_stored(tokens: Tensor, dtype: str) -> np.ndarray:
    """Finite tokens as an array of the type of a store.

    Raises:
        TooLargeError: float16 cannot hold them; `embed` stores all of them as float32 then.
    """
    array = tokens.detach().cpu().to(torch.float32).contiguous().numpy()
    if dtype == "float16":
        largest = float(np.abs(array).max())
        if largest > float(np.finfo(np.float16).max):
            raise TooLargeError(largest)
        array = array.astype(np.float16)
    return array

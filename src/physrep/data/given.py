"""What a caller hands over as numbers: arrays of NumPy (also masked ones), tensors, lists, columns of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import PhysrepError


def as_array(values: Any, what: str) -> np.ndarray:
    """Fields as an array. NumPy drops masks without a word, and takes neither bfloat16 nor tensors that are trained.

    Args:
        values: an array or tensor, or nested lists.
        what: its name, for the sentence.

    Raises:
        PhysrepError: some values are masked.
    """
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if str(values.dtype) == "torch.bfloat16" else values
    if np.ma.is_masked(values):
        count = int(np.ma.count_masked(values))
        raise PhysrepError(f"{what} has {count} masked values; fill them, or leave these trajectories out.")
    return np.asarray(values)


def as_numbers(values: Any, what: str) -> np.ndarray:
    """Labels as float64; masked ones are unknown (NaN).

    Args:
        values: a column of labels, or several.
        what: its name, for the sentence.

    Raises:
        PhysrepError: something in it is no real number.
    """
    if np.ma.is_masked(values):
        values = np.ma.filled(np.ma.asarray(values).astype(np.float64), np.nan)
    array = as_array(values, what)
    if array.dtype.kind in "cmM":
        raise PhysrepError(f"{what} has the type {array.dtype}; give one real number per trajectory and parameter.")
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError) as error:
        sentence = f"{what} holds something that is no number; give one number per trajectory and parameter."
        raise PhysrepError(sentence) from error


__all__ = ["as_array", "as_numbers"]

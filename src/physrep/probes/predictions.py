"""Predictions of a fitted probe, as they are stored beside a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import PhysrepError
from ..files import write_npz


@dataclass
class Predictions:
    """Predictions of one split, z-scored and physical, for figures and paired comparisons.

    Attributes:
        parameter_names: names of the P columns.
        prediction, target: z-scored, with shape ``(windows, P)``; a target that is NaN is unknown.
        prediction_physical, target_physical: in physical units, with the same shape.
        trajectory, start: of each window.
    """

    parameter_names: tuple[str, ...]
    prediction: np.ndarray
    target: np.ndarray
    prediction_physical: np.ndarray
    target_physical: np.ndarray
    trajectory: np.ndarray
    start: np.ndarray


def save_predictions(path: str | Path, predictions: Mapping[str, Predictions]) -> None:
    """Write predictions of all splits to one ``.npz``; arrays are named ``split.attribute``.

    Args:
        path: of the file.
        predictions: by name of the split.
    """
    arrays: dict[str, Any] = {
        f"{split}.{key}": np.asarray(value) for split, part in predictions.items() for key, value in vars(part).items()
    }
    write_npz(path, arrays)


def load_predictions(path: str | Path) -> dict[str, Predictions]:
    """Read what `save_predictions` wrote.

    Raises:
        PhysrepError: the file is missing or not one of these.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            splits: dict[str, dict[str, Any]] = {}
            for name in file.files:
                split, key = name.split(".")
                splits.setdefault(split, {})[key] = file[name]
        return {
            split: Predictions(**{**part, "parameter_names": tuple(part["parameter_names"].tolist())})
            for split, part in splits.items()
        }
    except PhysrepError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PhysrepError(f"{path}: holds no predictions ({error}); run `physrep probe` again.") from error

"""From raw physical parameters to what a probe predicts: logarithm where the prior is logarithmic, then z-score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from ..errors import PhysrepError

if TYPE_CHECKING:
    from ..data import ClipDataset
    from .store import TokenStore

SCALES = ("linear", "log")


@dataclass(frozen=True)
class LabelScaler:
    """``z = (f(value) - mean) / std`` per named parameter; ``f`` is log10 for the scale ``"log"``, else the identity.

    (The base of the logarithm does not matter once statistics are fitted; published statistics are in log10.)

    Attributes:
        names: parameters in the order of the columns of `transform`'s result.
        scales: ``"log"`` or ``"linear"`` for each.
        mean, std: statistics of ``f(value)`` on the training split.
    """

    names: tuple[str, ...]
    scales: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        for name, scale, std in zip(self.names, self.scales, self.std, strict=True):
            if scale not in SCALES:
                raise PhysrepError(f"parameter {name!r} has the scale {scale!r}; use one of {', '.join(SCALES)}.")
            if not std > 0:
                raise PhysrepError(f"parameter {name!r} has only one value in the training labels; leave it out.")

    @classmethod
    def fit(cls, values: Tensor | np.ndarray, names: Sequence[str], scales: Mapping[str, str]) -> LabelScaler:
        """Statistics (population standard deviation) of the training labels that are known.

        Args:
            values: raw parameters of the training samples with shape ``(N, P)``; NaN is unknown.
            names: names of the P columns.
            scales: scale of each parameter by name; further names are ignored.

        Raises:
            PhysrepError: a parameter has no scale, one value only, no value at all, or a value that is infinite or not
                positive on a log scale.
        """
        if not names:
            raise PhysrepError(
                "there are no labels: the data hold no parameter that varies; give them in a table (data.labels)."
            )
        missing = [name for name in names if name not in scales]
        if missing:
            raise PhysrepError(f"no scale is known for parameter {missing[0]!r}; give 'log' or 'linear' for it.")
        chosen = tuple(scales[name] for name in names)
        raw = cls(tuple(names), chosen, (0.0,) * len(names), (1.0,) * len(names))
        unscaled = raw.transform(torch.as_tensor(values).to(torch.float64), names, unknown="keep")
        mean, std = torch.zeros(len(names), dtype=torch.float64), torch.zeros(len(names), dtype=torch.float64)
        for columns, rows in label_groups(unscaled):
            if not rows.any():
                raise PhysrepError(
                    f"parameter {names[columns[0]]!r} is unknown (NaN) for all {len(unscaled)} training samples; name "
                    "the others in data.parameters, or give it in a table (data.labels)."
                )
            # Bit for bit what the labelled samples alone give.
            known = unscaled if rows.all() and len(columns) == len(names) else unscaled[rows][:, columns]
            mean[columns], std[columns] = known.mean(dim=0), known.std(dim=0, correction=0)
        # Rounding may leave a constant parameter a spread of some 1e-16; it is constant all the same.
        std = torch.where(std > 1e-9 * mean.abs(), std, 0.0)
        return cls(tuple(names), chosen, tuple(mean.tolist()), tuple(std.tolist()))

    @classmethod
    def of_training(cls, train: ClipDataset, given: Mapping[str, str] | None = None) -> LabelScaler:
        """Of the labels of a training split, on the scales of `physrep.data.config.parameter_scales`.

        Args:
            train: clips with labels.
            given: scales by name that take the place of the default.

        Raises:
            PhysrepError: as `fit`.
        """
        from ..data.config import parameter_scales

        return cls.fit(train.parameters, train.parameter_names, parameter_scales(train, given))

    def transform(
        self, values: Tensor | np.ndarray, names: Sequence[str], *, unknown: Literal["refuse", "keep"] = "refuse"
    ) -> Tensor:
        """Z-scored parameters with shape ``(N, len(self.names))``, of the given dtype; ``values`` stay as they are.

        Args:
            values: raw parameters with shape ``(N, P)``.
            names: names of their columns, in any order; columns that the scaler does not know are left out.
            unknown: what to do with NaN; kept, it stays NaN.

        Raises:
            PhysrepError: a parameter is missing, infinite, not positive on a log scale, or NaN where that is refused.
        """
        raw = torch.as_tensor(values)
        missing = [name for name in self.names if name not in names]
        if missing:
            raise PhysrepError(f"parameter {missing[0]!r} is not among the labels ({', '.join(names)}).")
        if raw.ndim != 2 or raw.shape[1] != len(names):
            raise PhysrepError(f"labels have the shape {tuple(raw.shape)}, not (samples, {len(names)}).")
        columns = raw[:, [list(names).index(name) for name in self.names]].to(torch.float64)
        for k, (name, scale) in enumerate(zip(self.names, self.scales, strict=True)):
            faulty = columns[:, k].isinf() if unknown == "keep" else ~torch.isfinite(columns[:, k])
            if faulty.any():
                raise PhysrepError(
                    f"parameter {name!r} is unknown (NaN) or infinite for {int(faulty.sum())} of {len(columns)} "
                    "samples; name the others in data.parameters, or give it for all in a table (data.labels)."
                )
            if scale == "log":
                if (columns[:, k] <= 0).any():
                    raise PhysrepError(f"parameter {name!r} has the scale 'log' but values that are not positive.")
                columns[:, k] = torch.log10(columns[:, k])
        mean, std = (columns.new_tensor(statistics) for statistics in (self.mean, self.std))
        result = (columns - mean) / std
        return result.to(raw.dtype) if raw.is_floating_point() else result

    def of_stores(self, stores: Mapping[str, TokenStore]) -> dict[str, Tensor]:
        """Scaled labels of every split, float32."""
        return {split: self.transform(store.labels, store.parameter_names).float() for split, store in stores.items()}

    def inverse(self, scaled: Tensor | np.ndarray) -> Tensor:
        """Physical values of z-scored parameters; columns in the order of ``self.names``."""
        scaled = torch.as_tensor(scaled)
        values = scaled * scaled.new_tensor(self.std) + scaled.new_tensor(self.mean)
        log = torch.tensor([scale == "log" for scale in self.scales])
        return torch.where(log, torch.pow(10.0, torch.where(log, values, 0.0)), values)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Plain data by parameter name, for a run directory."""
        return {
            name: {"scale": scale, "mean": mean, "std": std}
            for name, scale, mean, std in zip(self.names, self.scales, self.mean, self.std, strict=True)
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Mapping[str, Any]], names: Sequence[str] | None = None) -> LabelScaler:
        """Inverse of `to_dict`; ``names`` selects and orders the parameters.

        Args:
            data: scale, mean and std per parameter.
            names: parameters to take, in this order; default all.
        """
        names = tuple(data) if names is None else tuple(names)
        missing = [name for name in names if name not in data]
        if missing:
            raise PhysrepError(f"no label statistics for parameter {missing[0]!r}; known are {', '.join(data)}.")
        columns = ([data[name][key] for name in names] for key in ("scale", "mean", "std"))
        scales, mean, std = (tuple(column) for column in columns)
        return cls(names, scales, mean, std)


def label_groups(labels: Tensor) -> list[tuple[list[int], Tensor]]:
    """Columns of labels ``(N, P)`` that are known (not NaN) in the same rows: their numbers, and a mask of rows."""
    groups: dict[bytes, tuple[list[int], Tensor]] = {}
    for k, known in enumerate((~labels.isnan()).T):
        groups.setdefault(known.numpy().tobytes(), ([], known))[0].append(k)
    return list(groups.values())


# Means and standard deviations of The Well's parameter grids, rounded as in the code of "Representation Learning for
# Spatiotemporal Physical Systems" (helenqu/physical-representation-learning), whose scores are in these units.
_PAPER_STATISTICS: dict[str, dict[str, tuple[str, float, float]]] = {
    "active_matter": {"alpha": ("linear", -3.0, 1.41), "zeta": ("linear", 9.0, 5.16)},
    "shear_flow": {"Reynolds": ("log", 4.85, 0.61), "Schmidt": ("linear", 2.69, 3.38)},
    "rayleigh_benard": {"Rayleigh": ("log", 8.0, 1.41), "Prandtl": ("linear", 2.69, 3.38)},
}


def paper_label_statistics(dataset: str, names: Sequence[str] | None = None) -> LabelScaler:
    """The label statistics of the paper for one of its three datasets of The Well.

    Args:
        dataset: ``"active_matter"``, ``"shear_flow"`` or ``"rayleigh_benard"``.
        names: parameters to predict, in this order; by default all, in The Well's order.

    Returns:
        A `LabelScaler`. The constants carry float32 rounding, as in the paper's code.

    Raises:
        PhysrepError: unknown dataset or parameter.
    """
    if dataset not in _PAPER_STATISTICS:
        known = ", ".join(_PAPER_STATISTICS)
        raise PhysrepError(f"the paper has no label statistics for {dataset!r}; use one of {known}.")
    statistics = {
        name: {"scale": scale, "mean": float(np.float32(mean)), "std": float(np.float32(std))}
        for name, (scale, mean, std) in _PAPER_STATISTICS[dataset].items()
    }
    return LabelScaler.from_dict(statistics, names)

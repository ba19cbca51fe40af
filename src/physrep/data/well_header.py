"""What a file of The Well's format holds beside the values of its fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import PhysrepError
from .chunks import chunk_shape
from .names import channel_names, name_problem, parameter_problem
from .structure import RECORD

# HDF5 keeps attributes in the object header, which is limited to 64 KiB; parameters are stored there as float64.
MAX_TRAJECTORIES_PER_FILE = 8000

ROOT_ATTRIBUTES = ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories", "simulation_parameters", RECORD)


@dataclass
class WellHeader:
    """Everything of a file but the values of its fields.

    Attributes:
        system: name of the data set.
        orders: field to 0 (scalar), 1 (vector) or 2 (tensor), in storage order.
        parameters: name to values with shape ``(N,)``; NaN is unknown.
        time: saved times with shape ``(T,)``.
        coordinates: axis to grid coordinates, in storage order.
        periodic: per axis, whether it is periodic.
        n_trajectories: N.
        attributes: further root attributes.
        units: by what they are of (`physrep.data.units`); stored as the attribute ``units`` of its array.
    """

    system: str
    orders: dict[str, int]
    parameters: dict[str, Tensor]
    time: Tensor
    coordinates: dict[str, Tensor]
    periodic: tuple[bool, ...]
    n_trajectories: int
    attributes: dict[str, Any] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a field, ``(N, T, *S)`` and its components."""
        grid = tuple(len(values) for values in self.coordinates.values())
        return (self.n_trajectories, len(self.time), *grid, *(len(grid),) * self.orders[name])

    def chunk(self, name: str) -> tuple[int, ...]:
        """Shape of the chunks of a field; each has a checksum."""
        shape = self.shape(name)
        return chunk_shape(shape[1], shape[2:])


def check_header(path: Path, header: WellHeader) -> None:
    """Refuse a header that cannot be stored or read by name.

    Raises:
        PhysrepError: too many trajectories, a name that is taken or cannot be one, or an infinite parameter.
    """
    if not 1 <= header.n_trajectories <= MAX_TRAJECTORIES_PER_FILE:
        raise PhysrepError(
            f"{path}: {header.n_trajectories} trajectories, but a file holds 1 to {MAX_TRAJECTORIES_PER_FILE}; "
            "split them."
        )
    channels: dict[str, str] = {}
    for name, order in header.orders.items():
        if problem := name_problem(name):
            raise PhysrepError(f"{path}: a field {problem}; rename it.")
        for channel in channel_names(name, order, tuple(header.coordinates)):
            if channel in channels:
                raise PhysrepError(f"{path}: fields {channels[channel]} and {name} both give {channel}; rename one.")
            channels[channel] = name
    for name, values in header.parameters.items():
        problem = parameter_problem(name) or (name in ROOT_ATTRIBUTES and f"has the name {name} of a root attribute")
        if problem:
            raise PhysrepError(f"{path}: a parameter {problem}; rename it.")
        if torch.isinf(values).any():
            raise PhysrepError(f"{path}: parameter {name} is infinite; mend its range, or give NaN for unknown.")

"""Small synthetic data sets in The Well's format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from physrep.data import write_well
from physrep.systems.description import Trajectories

AXES = ("x", "y", "z")


def make_trajectories(
    n: int = 2,
    frames: int = 6,
    shape: tuple[int, ...] = (8, 12),
    fields: dict[str, int] | None = None,
    seed: int = 0,
    periodic: tuple[bool, ...] | None = None,
    system: str = "toy",
    equal_parameters: bool = False,
) -> Trajectories:
    """Random fields with the orders in ``fields``; parameters are Reynolds and Schmidt."""
    generator = torch.Generator().manual_seed(seed)
    d = len(shape)
    fields = {"tracer": 0, "pressure": 0, "velocity": 1} if fields is None else fields
    parameters = torch.rand(2, n, generator=generator, dtype=torch.float64) + 1
    if equal_parameters:
        parameters[:] = parameters[:, :1]
    return Trajectories(
        system=system,
        fields={
            name: torch.randn(n, frames, *shape, *(d,) * order, generator=generator) for name, order in fields.items()
        },
        parameters={"Reynolds": 1e3 * parameters[0], "Schmidt": parameters[1]},
        time=0.5 * torch.arange(frames, dtype=torch.float64),
        coordinates={axis: torch.arange(m, dtype=torch.float64) / m for axis, m in zip(AXES, shape, strict=False)},
        periodic=(True,) * d if periodic is None else periodic,
    )


@pytest.fixture
def trajectories() -> Callable[..., Trajectories]:
    """`make_trajectories`."""
    return make_trajectories


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Path]:
    """Writes a data set with two training files and one file in each other split, and returns its folder."""

    def write(**options: object) -> Path:
        root = tmp_path / "toy"
        for seed, name in enumerate(("train/a", "train/b", "valid/a", "test/a")):
            write_well(root / "data" / f"{name}.hdf5", make_trajectories(seed=seed, **options))  # type: ignore[arg-type]
        return root

    return write

"""Pictures of simulated data: the right views, and files that open."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from physrep.data import open_well, write_well
from physrep.preview import write_preview
from physrep.preview.views import views
from physrep.systems import Trajectories


def plane(path: Path, n: int = 32, frames: int = 4) -> Path:
    """Velocity (sin y, 0), a nematic of order 0.6 whose director turns by 0.2 per frame, on [0, 2π)²."""
    x = 2 * math.pi * torch.arange(n) / n
    y = x[None, :].expand(n, n)
    velocity = torch.stack([torch.sin(y), torch.zeros(n, n)], -1)
    angle = 0.3 + 0.2 * torch.arange(frames)
    c, s = 0.3 * torch.cos(2 * angle), 0.3 * torch.sin(2 * angle)
    tensor = torch.stack([torch.stack([0.5 + c, s], -1), torch.stack([s, 0.5 - c], -1)], -2)
    write_well(
        path,
        Trajectories(
            system="active_matter",
            fields={
                "concentration": torch.ones(1, frames, n, n) + 0.1 * torch.sin(y),
                "velocity": velocity.expand(1, frames, n, n, 2),
                "D": tensor[None, :, None, None].expand(1, frames, n, n, 2, 2),
                "E": torch.zeros(1, frames, n, n, 2, 2),
            },
            parameters={"zeta": torch.tensor([2.0])},
            time=torch.arange(frames) * 0.5,
            coordinates={"x": x, "y": x},
            periodic=(True, True),
        ),
    )
    return path


def test_views_are_scalars_vorticity_and_nematic_order(tmp_path: Path) -> None:
    with open_well(plane(tmp_path / "plane.hdf5")) as file:
        concentration, vorticity, order = views(file, 0)
    assert [view.label for view in (concentration, vorticity, order)] == ["concentration", "vorticity", "nematic order"]
    y = 2 * math.pi * np.arange(32) / 32
    np.testing.assert_allclose(vorticity.values[0], np.broadcast_to(-np.cos(y), (32, 32)), atol=0.01)
    np.testing.assert_allclose(order.values, 0.6, atol=1e-6)
    assert order.angle is not None
    np.testing.assert_allclose(order.angle[:, 3, 5], 0.3 + 0.2 * np.arange(4), atol=1e-5)
    assert vorticity.extent == pytest.approx((2 * math.pi, 2 * math.pi))


def test_a_space_field_is_shown_by_its_middle_plane(tmp_path: Path) -> None:
    n = 8
    values = torch.arange(n, dtype=torch.float32).expand(1, 3, n, n, n)
    path = tmp_path / "space.hdf5"
    x = torch.arange(n) / n
    write_well(
        path,
        Trajectories("gray_scott_3d", {"A": values}, {"F": torch.tensor([0.1])}, torch.arange(3.0),
                     {"x": x, "y": x, "z": x}, (True, True, True)),
    )  # fmt: skip
    with open_well(path) as file:
        (view,) = views(file, 0)
    assert view.values.shape == (3, n, n)
    assert (view.values == n // 2).all()
    assert "middle plane" in view.label


def test_pictures_open_and_move(tmp_path: Path) -> None:
    sheet, animation = write_preview([plane(tmp_path / "plane.hdf5")], tmp_path / "preview")
    with Image.open(sheet) as image:
        assert image.width > 600
        assert np.asarray(image.convert("L")).std() > 10
    with Image.open(animation) as image:
        assert image.n_frames == 4  # type: ignore[attr-defined]
        image.seek(0)
        first = np.asarray(image.convert("L"), dtype=float)
        image.seek(3)
        assert np.abs(np.asarray(image.convert("L"), dtype=float) - first).max() > 30, "the director turns"

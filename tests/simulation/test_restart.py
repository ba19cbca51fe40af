"""Runs from stored frames: they go on exactly, on other grids too, and tell how far they are from the source."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from physrep.cli.main import main
from physrep.data import open_well, write_well
from physrep.errors import PhysrepError
from physrep.simulation import simulate_from
from physrep.systems import SYSTEMS

FLOW = SYSTEMS["shear_flow"]


def written(path: Path, frames: int = 7, grid: tuple[int, int] = (24, 48)) -> Path:
    parameters = {"Reynolds": torch.tensor([40.0, 45.0]), "Schmidt": torch.tensor([0.5, 1.0])}
    write_well(path, FLOW.simulate(parameters, [1, 2], resolution=grid, frames=frames, dtype=torch.float64))
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("source") / "flow.hdf5")


def test_goes_on_where_the_file_was(source: Path, tmp_path: Path) -> None:
    result = simulate_from("shear_flow", source, tmp_path, frame=2, trajectory=1, precision="float64")
    assert np.allclose(result.times, [0, 0.1, 0.2, 0.3, 0.4])
    assert set(result.differences) == {"tracer", "pressure", "velocity"}
    assert max(max(column) for column in result.differences.values()) < 1e-5
    with open_well(result.path) as new, open_well(source) as old:
        assert new.parameters["Reynolds"][0] == pytest.approx(45)
        np.testing.assert_allclose(new.read(0, 4, 1), old.read(1, 6, 1), atol=1e-5)
    with h5py.File(result.path) as file:
        assert file.attrs["source"] == "flow.hdf5"
        assert file.attrs["source_frame"] == 2
        assert file.attrs["initial_condition"] == "given"


def test_a_finer_grid_starts_from_the_same_field_and_the_difference_is_that_of_the_grids(
    source: Path, tmp_path: Path
) -> None:
    result = simulate_from("shear_flow", source, tmp_path, resolution=[48, 96], frames=5)
    assert result.differences["tracer"][0] < 1e-6
    assert result.differences["velocity"][0] < 1e-6
    assert max(result.differences["velocity"]) < 0.02
    with open_well(result.path) as file:
        assert file.shape == (48, 96)


def test_another_parameter_is_another_run(source: Path, tmp_path: Path) -> None:
    same = simulate_from("shear_flow", source, tmp_path)
    other = simulate_from("shear_flow", source, tmp_path, parameters={"Reynolds": 20.0}, allow_underresolved=True)
    assert other.differences["velocity"][0] < 1e-6
    assert other.differences["velocity"][-1] > 100 * same.differences["velocity"][-1]


def test_the_last_frame_starts_a_run_of_equal_length(source: Path, tmp_path: Path) -> None:
    result = simulate_from("shear_flow", source, tmp_path, frame=-1)
    assert result.times == [0.0]
    with open_well(result.path) as file:
        assert file.n_frames == 7


def test_walls_and_their_rows(tmp_path: Path) -> None:
    """Convection goes on from Chebyshev rows, also on a grid with more of them."""
    system = SYSTEMS["rayleigh_benard"]
    parameters = {"Rayleigh": torch.tensor([2e4]), "Prandtl": torch.tensor([1.0])}
    path = tmp_path / "convection.hdf5"
    write_well(path, system.simulate(parameters, [4], resolution=(32, 24), frames=5, dtype=torch.float64))
    same = simulate_from("rayleigh_benard", path, tmp_path, frame=1, precision="float64", allow_underresolved=True)
    assert max(same.differences["buoyancy"]) < 1e-4
    finer = simulate_from("rayleigh_benard", path, tmp_path, frame=1, resolution=[64, 32], allow_underresolved=True)
    assert finer.differences["buoyancy"][0] < 1e-3
    with pytest.raises(PhysrepError, match="Chebyshev"):
        bad = tmp_path / "stretched.hdf5"
        bad.write_bytes(path.read_bytes())
        with h5py.File(bad, "r+") as file:
            y = file["dimensions/y"]
            y[...] = np.linspace(0.02, 0.98, 24) ** 1.1  # type: ignore[index]
        simulate_from("rayleigh_benard", bad, tmp_path, allow_underresolved=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frame": 7}, "7 frames, counted from 0; there is no frame 7"),
        ({"trajectory": 2}, "2 trajectories, counted from 0; not 2"),
        ({"parameters": {"Reynold": 3.0}}, "no parameter 'Reynold'"),
        ({"parameters": {"Reynolds": 3000.0}}, "resolves Reynolds in .* --allow-underresolved"),
        ({"system": "heat", "parameters": {"diffusivity": 1e-3}}, "no field temperature"),
        ({"system": "shear"}, "did you mean 'shear_flow'"),
    ],
)
def test_bad_requests_are_one_sentence(change: dict, message: str, source: Path, tmp_path: Path) -> None:
    arguments = {"system": "shear_flow", **change}
    with pytest.raises(PhysrepError, match=message) as caught:
        simulate_from(arguments.pop("system"), source, tmp_path, **arguments)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_another_domain_is_named(source: Path, tmp_path: Path) -> None:
    longer = tmp_path / "long.hdf5"
    longer.write_bytes(source.read_bytes())
    with h5py.File(longer, "r+") as file:
        file["dimensions/x"][...] *= 3.0  # type: ignore[index]
    with pytest.raises(PhysrepError, match=r"axis x spans 2\.875, but that of shear_flow is 1 long"):
        simulate_from("shear_flow", longer, tmp_path)


def test_the_command_prints_the_comparison_and_writes_pictures(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["simulate", "shear_flow", "--from", str(source), "--frame", "4", "--out", str(tmp_path), "--preview"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "relative difference" in printed
    assert "velocity" in printed
    folder = tmp_path / "shear_flow_from_flow_trajectory0_frame4"
    assert {path.name for path in folder.iterdir()} == {"contact_sheet.png", "animation.gif"}

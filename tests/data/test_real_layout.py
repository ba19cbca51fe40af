"""The Well's own files, imitated at a sixteenth of their grid: checked, read by name, cropped and resized."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
import yaml

from physrep.data import WellSplit, check, exit_code, locate_dataset, open_clips, open_well, split_files
from physrep.errors import PhysrepError
from tests.helpers.well_layout import LAYOUTS, SPLITS, write_layout

CHANNELS = {
    "shear_flow": "tracer pressure velocity_x velocity_y",
    "rayleigh_benard": "buoyancy pressure velocity_x velocity_y",
    "active_matter": "concentration velocity_x velocity_y D_xx D_xy D_yx D_yy E_xx E_xy E_yx E_yy",
}
N_FILES = {
    "shear_flow": {"train": 28, "valid": 28, "test": 28},
    "rayleigh_benard": {"train": 35, "valid": 35, "test": 35},
    "active_matter": {"train": 45, "valid": 16, "test": 21},
}


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files of the three data sets, two trajectories per training file, as `the-well-download` lays them out."""
    root = tmp_path_factory.mktemp("well")
    for name in LAYOUTS:
        write_layout(root / "datasets", name, frames=17)
    return root


@pytest.mark.parametrize("name", LAYOUTS)
def test_file_names_are_those_of_the_url_list(name: str) -> None:
    well = pytest.importorskip("the_well")
    listed = yaml.safe_load((Path(well.__file__).parent / "utils/registry.yaml").read_text())[name]
    for split in SPLITS:
        assert set(LAYOUTS[name].files[split]) == {url.rsplit("/", 1)[-1] for url in listed[split]}


@pytest.mark.parametrize("name", LAYOUTS)
def test_check_finds_nothing(name: str, well: Path) -> None:
    assert [str(fault) for fault in check(well / "datasets" / name)] == []


def test_quick_check_reads_first_and_last_frames_only(tmp_path: Path) -> None:
    root = write_layout(tmp_path, "shear_flow", frames=5, per_file=(1, 1, 1), only=1)
    path = split_files(root, "train")[0]
    for frame, found in ((2, False), (4, True)):
        with h5py.File(path, "r+") as file:
            file["t0_fields/tracer"][0, frame, 3, 3] = np.nan
        assert bool(exit_code(check(root, quick=True))) == found
        assert exit_code(check(root)) == 1


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_file_is_read_with_the_parameters_of_its_name(name: str, well: Path) -> None:
    for split in SPLITS:
        reader = WellSplit(well / "datasets" / name, split, frames=16)
        assert reader.channels == tuple(CHANNELS[name].split())
        assert len(reader.files) == N_FILES[name][split]
        assert reader.n_trajectories == N_FILES[name][split] * (2 if split == "train" else 1)
        for window in range(0, len(reader), 7):
            path, _, _ = reader.location(window)
            written = {key: float(value) for key, value in re.findall(r"_([A-Za-z]+)_([-+\de.]*\d)", path.stem)}
            row = reader.parameters[reader.windows[window, 0]]
            read = dict(zip(reader.parameter_names, row.tolist(), strict=True))
            written.pop("L", None)
            assert read == pytest.approx(written, rel=1e-6), path.name


def test_alias_and_constant_scalar(well: Path) -> None:
    shear = WellSplit(well / "datasets/shear_flow", "valid", frames=1)
    assert shear.parameter_names == ("Reynolds", "Schmidt")
    assert sorted(set(shear.parameters[:, 0].tolist())) == [1e4, 5e4, 1e5, 5e5]
    # Of Rayleigh-Bénard the Rayleigh number is one, and keeps its name.
    assert WellSplit(well / "datasets/rayleigh_benard", "valid", frames=1).parameter_names == ("Rayleigh", "Prandtl")
    active = WellSplit(well / "datasets/active_matter", "test", frames=1)
    assert active.parameter_names == ("zeta", "alpha")
    assert len({tuple(row) for row in active.parameters.tolist()}) == 21


def test_boundaries_and_grids(well: Path) -> None:
    periodic = {name: WellSplit(well / "datasets" / name, "valid", frames=1, crop="paper").periodic for name in LAYOUTS}
    assert periodic == {
        "shear_flow": (True, False),
        "rayleigh_benard": (False, False),
        "active_matter": (True, True),
    }
    with open_well(split_files(well / "datasets/rayleigh_benard", "train")[0]) as file:
        assert file.periodic == (True, False)
        assert 0 < file.coordinates["y"][0] < 0.01 and 0.99 < file.coordinates["y"][-1] < 1


def test_values_channel_by_channel(well: Path) -> None:
    root = well / "datasets/active_matter"
    reader = WellSplit(root, "train", frames=5, stride=4)
    window = int(np.flatnonzero((reader.windows == [3, 8]).all(1))[0])
    path, trajectory, start = reader.location(window)
    assert (trajectory, start) == (1, 8)
    with h5py.File(path) as file:
        expected = [file["t0_fields/concentration"][1, 8:13]]
        expected += [file["t1_fields/velocity"][1, 8:13, ..., i] for i in range(2)]
        expected += [file[f"t2_fields/{name}"][1, 8:13, ..., i, j] for name in "DE" for i in range(2) for j in range(2)]
    assert np.array_equal(reader.clip([window]).fields[0].numpy(), np.stack(expected))


@pytest.mark.parametrize("name", LAYOUTS)
def test_the_wells_own_reader_agrees(name: str, well: Path) -> None:
    pytest.importorskip("the_well")
    from the_well.data import WellDataset

    root = well / "datasets" / name
    theirs = WellDataset(path=str(root), well_split_name="valid", n_steps_input=16, n_steps_output=0)
    ours = WellSplit(root, "valid", frames=16)
    assert len(theirs) == len(ours)
    for window in (0, len(ours) - 1):
        assert torch.equal(theirs[window]["input_fields"].movedim(-1, 0), ours.clip([window]).fields[0])


@pytest.mark.parametrize(
    ("name", "grid", "axis", "first", "last"),
    [
        ("shear_flow", (4, 512), 1, 0, 256),
        ("shear_flow", (16, 32), 1, 0, 16),
        ("rayleigh_benard", (512, 4), 0, 192, 320),
        ("rayleigh_benard", (32, 8), 0, 12, 20),
    ],
)
def test_the_papers_crop_takes_these_points(
    name: str, grid: tuple[int, int], axis: int, first: int, last: int, tmp_path: Path
) -> None:
    root = write_layout(tmp_path, name, grid=grid, frames=2, per_file=(1, 1, 1), only=1)
    path = split_files(root, "train")[0]
    points = np.arange(grid[axis], dtype=np.float32)
    with h5py.File(path, "r+") as file:
        file["t0_fields/pressure"][...] = points[:, None] if axis == 0 else points
    block = WellSplit(root, "train", frames=1, fields=["pressure"], crop="paper").clip([0]).fields[0, 0, 0]
    line = block[:, 0] if axis == 0 else block[0]
    assert line.tolist() == list(range(first, last))
    assert block.shape[1 - axis] == grid[1 - axis]


def test_a_crop_that_fits_no_points_and_a_data_set_without_one(tmp_path: Path) -> None:
    root = write_layout(tmp_path, "rayleigh_benard", grid=(20, 8), frames=2, only=1)
    with pytest.raises(PhysrepError, match="3/8 to 5/8 of axis x, no whole number of its 20 points"):
        WellSplit(root, "train", frames=1, crop="paper")
    for path in split_files(root, "train"):
        with h5py.File(path, "r+") as file:
            file.attrs["dataset_name"] = "gray_scott"
    with pytest.raises(PhysrepError, match="the paper has no dataset 'gray_scott'"):
        WellSplit(root, "train", frames=1, crop="paper")


def test_224_pixels_are_the_crop_resized_as_in_the_paper(tmp_path: Path) -> None:
    root = write_layout(tmp_path, "rayleigh_benard", frames=17, only=2)
    options: dict[str, Any] = {"max_trajectories": 2, "fields": ["buoyancy", "velocity"]}
    cut = WellSplit(root, "valid", frames=1, stride=16, crop={"x": (12, 20)}, **options)
    resized = WellSplit(root, "valid", frames=1, stride=16, crop="paper", resolution=(224, 224), **options)
    expected = torch.nn.functional.interpolate(
        cut.clip(range(len(cut))).fields[:, :, 0], size=(224, 224), mode="bilinear", align_corners=False
    )
    torch.testing.assert_close(resized.clip(range(len(cut))).fields[:, :, 0], expected, rtol=0, atol=1e-6)
    small = open_clips(root, "valid", crop="paper", resolution=(16, 12), fields=["buoyancy"], cache_dir=tmp_path)
    reader = WellSplit(root, "valid", frames=17, crop="paper", resolution=(16, 12), fields=["buoyancy"])
    assert torch.equal(small.clip(small.windows(17), 17).fields, reader.clip(range(len(reader))).fields)


def test_chebyshev_rows_become_uniform_ones_exactly(tmp_path: Path) -> None:
    root = write_layout(tmp_path, "rayleigh_benard", grid=(8, 16), frames=2, only=1)
    path = split_files(root, "train")[0]
    with h5py.File(path, "r+") as file:
        y = file["dimensions/y"][()].astype(np.float64)
        file["t0_fields/buoyancy"][...] = (1 - y) ** 3 - 0.5 * y**5
    clip = WellSplit(root, "train", frames=1, fields=["buoyancy"], resolution=(8, 32), resample="spectral").clip([0])
    rows = (np.arange(32) + 0.5) / 32
    expected = (1 - rows) ** 3 - 0.5 * rows**5
    np.testing.assert_allclose(clip.fields[0, 0, 0, 0].numpy(), expected, atol=2e-6)


@pytest.mark.parametrize("layout", ["downloaded", "hugging face", "data set"])
def test_a_data_set_is_found_below_its_root(layout: str, tmp_path: Path) -> None:
    above = tmp_path / "datasets" if layout == "downloaded" else tmp_path
    root = write_layout(above, "shear_flow", frames=2, only=1)
    assert locate_dataset(root if layout == "data set" else tmp_path, "shear_flow") == root


def test_a_data_set_that_is_not_there(tmp_path: Path) -> None:
    root = write_layout(tmp_path, "shear_flow", frames=2, only=1)
    with pytest.raises(PhysrepError, match=r"looked for active_matter/data, datasets/active_matter/data and data in"):
        locate_dataset(tmp_path, "active_matter")
    with pytest.raises(PhysrepError, match="holds the data set 'shear_flow', but 'active_matter' is wanted"):
        locate_dataset(root, "active_matter")
    with pytest.raises(PhysrepError, match="no such folder"):
        locate_dataset(tmp_path / "nowhere", "active_matter")


def test_equal_starts_in_two_splits_are_one_fault(tmp_path: Path) -> None:
    """Initial conditions that are repeated for every parameter set, as those of shear_flow are."""
    root = write_layout(tmp_path, "shear_flow", frames=3, per_file=(1, 1, 1), only=4)
    for split in SPLITS:
        for path in split_files(root, split):
            with h5py.File(path, "r+") as file:
                for name in ("t0_fields/tracer", "t0_fields/pressure", "t1_fields/velocity"):
                    file[name][:, 0] = 0.5
                file["scalars/Rayleigh"][...] += SPLITS.index(split)
                file.attrs["Rayleigh"] = file["scalars/Rayleigh"][()]
    assert [fault.severity for fault in check(root)] == ["error"] * 3
    faults = check(root, allow_shared_starts=True)
    assert [fault.severity for fault in faults] == ["warning"] * 3
    assert all("16 pairs start from the same frame" in fault.problem for fault in faults)

"""Every system as a data set: made by the command's own code, checked, and read by The Well's loader and by ours."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.data import check, open_well
from physrep.simulation import SimulationConfig, simulate
from physrep.systems import SYSTEMS, System


@pytest.fixture(scope="module", params=sorted(SYSTEMS))
def made(request, tmp_path_factory) -> tuple[System, Path]:
    system = SYSTEMS[request.param]
    config = SimulationConfig(
        trajectories=4,
        resolution=[16] * len(system.axes),
        frames=4,
        save_dt=system.save_dt / 4,
        splits=[0.5, 0.25, 0.25],
        allow_underresolved=True,
    )
    return system, simulate(system.name, tmp_path_factory.mktemp("made"), config, workers=1)


def test_it_passes_the_check(made) -> None:
    _, root = made
    assert [fault for fault in check(root) if fault.severity != "warning"] == []


def test_the_files_say_how_they_were_made(made) -> None:
    system, root = made
    with h5py.File(root / "data" / "train" / f"{system.name}_0000.hdf5") as file:
        assert file.attrs["solver"] == system.method
        assert file.attrs["precision"] == "float32"
        assert file.attrs["initial_condition"] == system.initial_conditions[0]
        assert file.attrs["trajectory_numbers"].count(",") == 1
        for name, choices in system.options.items():
            assert file.attrs[name] == choices[0]


def test_the_wells_loader_reads_the_same_numbers(made) -> None:
    well_data = pytest.importorskip("the_well.data")
    system, root = made
    well = well_data.WellDataset(
        path=str(root / "data" / "train"), n_steps_input=2, n_steps_output=1, use_normalization=False
    )
    assert len(well) == 2 * 2
    assert well.metadata.spatial_resolution == (16,) * len(system.axes)
    assert set(well.metadata.constant_scalar_names) == {p.name for p in system.parameters}
    names = [name for order in range(3) for name in well.metadata.field_names[order]]
    with open_well(root / "data" / "train" / f"{system.name}_0000.hdf5") as file:
        assert list(file.channels) == names
        ours = file.read(1, 1, 2)
        theirs = well[3]["input_fields"].numpy()
        for i in range(len(names)):
            np.testing.assert_array_equal(theirs[..., i], ours[i])
        codes = [[2, 2] if periodic else [0, 0] for periodic in system.periodic]
        assert well[3]["boundary_conditions"].tolist() == codes

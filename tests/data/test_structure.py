"""Parts of a file that get lost are noticed: a file says what it was made of."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from physrep.data import WellFile, check, exit_code, write_well
from physrep.data.structure import RECORD
from physrep.errors import PhysrepError
from tests.helpers.foreign_edit import foreign_edit


def _names(group, *names):
    def change(file):
        file[group].attrs["field_names"] = list(names)

    return change


def _without(*items):
    def change(file):
        for item in items:
            del file[item]

    return change


def _attribute(item, name, value):
    def change(file):
        file[item].attrs[name] = value

    return change


def _misspelt(file):
    file.attrs.modify(RECORD, file.attrs[RECORD].replace("e", "f", 1))


def _other_type(file):
    """Values that are read as others: the byte order of a stored field is lost."""
    values, attributes = file["t0_fields/tracer"][()], dict(file["t0_fields/tracer"].attrs)
    del file["t0_fields/tracer"]
    data = file.create_dataset(
        "t0_fields/tracer", data=values.view(">f4"), chunks=(1, *values.shape[1:]), fletcher32=True
    )
    data.attrs.update(attributes)


LOSSES = {
    "names of all fields of a group": (_names("t1_fields"), "t1_fields@field_names"),
    "a field": (lambda file: [_names("t0_fields", "pressure")(file), _without("t0_fields/tracer")(file)], "t0_fields"),
    "a boundary condition": (_without("boundary_conditions/y_wall"), "boundary_conditions/y_wall"),
    "its type": (_attribute("boundary_conditions/y_wall", "bc_type", "OPEN"), "boundary_conditions/y_wall@bc_type"),
    "the name of the data set": (_attribute("/", "dataset_name", "tay"), "@dataset_name"),
    "a further attribute": (lambda file: file.attrs.__delitem__("solver"), "@solver"),
    "the byte order": (_other_type, "t0_fields/tracer"),
    "the list itself": (lambda file: file.attrs.__delitem__(RECORD), f"@{RECORD}"),
    "a letter of the list": (
        lambda file: file.attrs.modify(RECORD, file.attrs[RECORD].replace("e", "f", 1)),
        f"@{RECORD}",
    ),
    "its checksum": (lambda file: file["dimensions"].attrs.__delitem__(RECORD), f"@{RECORD}"),
}


@pytest.fixture
def path(trajectories, tmp_path):
    write_well(tmp_path / "a.hdf5", trajectories(periodic=(True, False)), {"solver": "exact"})
    return tmp_path / "a.hdf5"


@pytest.mark.parametrize("lost", LOSSES)
def test_what_is_lost_is_named(lost, path):
    change, item = LOSSES[lost]
    assert check(path) == []
    with h5py.File(path, "r+") as file:
        change(file)
    faults = check(path)
    assert exit_code(faults) == 1 and all(fault.item.startswith(item) for fault in faults), [str(f) for f in faults]
    assert RECORD in faults[0].remedy
    with pytest.raises(PhysrepError, match=f"{RECORD} of / and dimensions"):
        WellFile(path)


@pytest.mark.parametrize("lost", ["names of all fields of a group", "a boundary condition"])
def test_a_file_of_another_program_is_not_asked(lost, path):
    with foreign_edit(path) as file:
        LOSSES[lost][0](file)
    assert exit_code(check(path)) == 0


def test_a_label_that_is_added_is_no_fault(path):
    with h5py.File(path, "r+") as file:
        file.attrs["author"] = "N. N."
        file["scalars"].attrs["field_names"] = [*file["scalars"].attrs["field_names"], "Mach"]
        added = file.create_dataset("scalars/Mach", data=np.float32(0.3))
        added.attrs["sample_varying"] = added.attrs["time_varying"] = False
    assert check(path) == []
    with WellFile(path) as file:
        assert file.parameters["Mach"].tolist() == [np.float32(0.3)] * 2


def test_a_chunk_that_its_index_lists_but_does_not_find(tmp_path, trajectories):
    """HDF5 gives the fill value for it; zeros would be taken for a field at rest."""
    path = tmp_path / "a.hdf5"
    write_well(path, trajectories())
    with h5py.File(path) as file:
        dataset = file["t0_fields/tracer"]
        pointer, count = dataset.id.get_chunk_info(0).byte_offset.to_bytes(8, "little"), dataset.id.get_num_chunks()
    data = bytearray(path.read_bytes())
    assert data.count(pointer) == 1
    # Before the place of a chunk stands its key, which ends with eight bytes that are always 0.
    data[data.index(pointer) - 2] ^= 64
    path.write_bytes(data)
    with h5py.File(path) as file:
        assert file["t0_fields/tracer"].id.get_num_chunks() == count
    with WellFile(path) as file, pytest.raises(PhysrepError, match="tracer"):
        file.read(0, 0, file.n_frames)
    assert any("tracer" in fault.problem or "tracer" in fault.item for fault in check(path))

"""The validator names every departure from the format, and nothing else."""

from __future__ import annotations

import math

import numpy as np
import pytest

from physrep.data import check, exit_code, write_stats, write_well
from tests.helpers.foreign_edit import foreign_edit


def _remove(owner, name):
    def change(file):
        del (file[owner].attrs if owner else file.attrs)[name]

    return change


def _set(owner, name, value):
    def change(file):
        (file[owner].attrs if owner else file.attrs)[name] = value

    return change


def _delete(item):
    def change(file):
        del file[item]

    return change


def _replace(item, make):
    def change(file):
        attributes, values = dict(file[item].attrs), file[item][()]
        del file[item]
        file[item] = make(values)
        file[item].attrs.update(attributes)

    return change


SCALAR, FIELD, BOUNDARY = "scalars/Schmidt", "t1_fields/velocity", "boundary_conditions/x_periodic"

# (what is done to the file, the item that the fault must name)
ERRORS = [
    *((_remove("", name), f"@{name}") for name in ("dataset_name", "grid_type", "n_spatial_dims", "n_trajectories")),
    (_remove("", "simulation_parameters"), "@simulation_parameters"),
    (_remove("", "Reynolds"), "@Reynolds"),
    (_set("", "dataset_name", 3), "@dataset_name"),
    (_set("", "n_trajectories", 2.0), "@n_trajectories"),
    (_set("", "n_trajectories", 3), "t0_fields/tracer"),
    (_set("", "n_spatial_dims", 3), "dimensions@spatial_dims"),
    (_set("", "simulation_parameters", "Reynolds"), "@simulation_parameters"),
    (_set("", "simulation_parameters", ["Reynolds", "Mach"]), "@Mach"),
    *(
        (_delete(group), group)
        for group in ("dimensions", "boundary_conditions", "scalars", "t0_fields", "t1_fields", "t2_fields")
    ),
    (_remove("dimensions", "spatial_dims"), "dimensions@spatial_dims"),
    (_set("dimensions", "spatial_dims", "x"), "dimensions@spatial_dims"),
    (_set("dimensions", "spatial_dims", ["x", "q"]), "dimensions/q"),
    (_delete("dimensions/time"), "dimensions/time"),
    (_delete("dimensions/x"), "dimensions/x"),
    *(
        (_remove(f"dimensions/{axis}", flag), f"dimensions/{axis}@{flag}")
        for axis in ("time", "x", "y")
        for flag in ("sample_varying", "time_varying")
    ),
    (_set("dimensions/time", "time_varying", False), "dimensions/time@time_varying"),
    (_set("dimensions/time", "time_varying", 1), "dimensions/time@time_varying"),
    (_set("dimensions/x", "time_varying", True), "dimensions/x@time_varying"),
    (_replace("dimensions/time", lambda t: t[::-1]), "dimensions/time"),
    (_replace("dimensions/time", lambda t: t[:-1]), "t0_fields/tracer"),
    (_replace("dimensions/x", lambda x: x * 0), "dimensions/x"),
    (_replace("dimensions/x", lambda x: x[:-1]), "t0_fields/tracer"),
    (_replace("dimensions/x", lambda x: x * math.nan), "dimensions/x"),
    *(
        (_remove(BOUNDARY, name), f"{BOUNDARY}@{name}")
        for name in ("bc_type", "associated_dims", "associated_fields", "sample_varying", "time_varying")
    ),
    (_set(BOUNDARY, "bc_type", "DIRICHLET"), f"{BOUNDARY}@bc_type"),
    (_set(BOUNDARY, "associated_dims", "x"), f"{BOUNDARY}@associated_dims"),
    (_set(BOUNDARY, "associated_dims", []), f"{BOUNDARY}@associated_dims"),
    (_set(BOUNDARY, "associated_dims", ["q"]), f"{BOUNDARY}@associated_dims"),
    (_set(BOUNDARY, "sample_varying", 0), f"{BOUNDARY}@sample_varying"),
    (_delete(f"{BOUNDARY}/mask"), f"{BOUNDARY}/mask"),
    (_replace(f"{BOUNDARY}/mask", lambda mask: mask[:-1]), f"{BOUNDARY}/mask"),
    (_replace(f"{BOUNDARY}/mask", lambda mask: mask.astype(np.float32)), f"{BOUNDARY}/mask"),
    *((_remove(group, "field_names"), f"{group}@field_names") for group in ("scalars", "t0_fields", "t2_fields")),
    (_set("scalars", "field_names", "Schmidt"), "scalars@field_names"),
    (_set("t1_fields", "field_names", ["velocity", "force"]), "t1_fields/force"),
    (_delete(SCALAR), SCALAR),
    (_delete(FIELD), FIELD),
    *((_remove(SCALAR, flag), f"{SCALAR}@{flag}") for flag in ("sample_varying", "time_varying")),
    (_set(SCALAR, "sample_varying", False), SCALAR),
    (_replace(SCALAR, lambda v: v[:1]), SCALAR),
    (_replace(SCALAR, lambda v: v * math.inf), SCALAR),
    *((_remove(FIELD, flag), f"{FIELD}@{flag}") for flag in ("sample_varying", "time_varying", "dim_varying")),
    (_set(FIELD, "dim_varying", [1, 1]), f"{FIELD}@dim_varying"),
    (_set(FIELD, "dim_varying", [True]), f"{FIELD}@dim_varying"),
    (_set(FIELD, "sample_varying", 1), f"{FIELD}@sample_varying"),
    (_replace(FIELD, lambda v: v[:, :-1]), FIELD),
    (_replace(FIELD, lambda v: v[..., :1]), FIELD),
    (_replace(FIELD, lambda v: v.reshape(*v.shape[:-1], 2, 1)), FIELD),
    (_replace(FIELD, lambda v: v.astype(np.int32)), FIELD),
    (_replace(FIELD, lambda v: np.where(v == v.max(), math.nan, v)), FIELD),
    (_replace(FIELD, lambda v: np.where(v == v.max(), math.inf, v)), FIELD),
]


def _both(*changes):
    def change(file):
        for one in changes:
            one(file)

    return change


ERRORS += [
    (_replace(f"{BOUNDARY}/mask", lambda mask: mask & False), BOUNDARY),
    (_replace("dimensions/time", lambda t: t**2), "dimensions/time"),
    (_replace("dimensions/time", lambda t: t * 1e28), "dimensions/time"),
    (_replace(SCALAR, lambda v: -v), "@Schmidt"),
    (_set("", "Reynolds", "fast"), "@Reynolds"),
    (_replace(FIELD, lambda v: v.astype(np.complex64)), FIELD),
    (_set("t1_fields", "field_names", ["velocity", "velocity"]), FIELD),
    (_both(_set("scalars", "field_names", ["Schmidt", "Reynolds", "Schmidt"])), "scalars@field_names"),
    (
        _both(
            lambda f: f.copy(BOUNDARY, "boundary_conditions/x_wall"),
            _set("boundary_conditions/x_wall", "bc_type", "WALL"),
        ),
        "boundary_conditions",
    ),
]

SLIGHTLY_UNEVEN = [0, 0.5, 1, 1.505, 2, 2.5]

WARNINGS = [
    (_both(_set(BOUNDARY, "bc_type", "WALL"), _replace(f"{BOUNDARY}/mask", lambda m: m & False)), f"{BOUNDARY}/mask"),
    (_both(_replace(SCALAR, lambda v: v * math.nan), _set("", "Schmidt", [math.nan] * 2)), SCALAR),
    (_replace("dimensions/time", lambda t: np.float32(SLIGHTLY_UNEVEN)), "dimensions/time"),
    (_replace(FIELD, lambda v: v * 0 + 1), FIELD),
    (lambda file: file.move(BOUNDARY, "boundary_conditions/first"), "boundary_conditions/first"),
]

FINE = [
    _set(BOUNDARY, "bc_type", "periodic"),
    lambda file: [file["boundary_conditions"].__delitem__(key) for key in list(file["boundary_conditions"])],
    _replace(FIELD, lambda v: v.astype(np.float64)),
    _remove("t2_fields/D", "symmetric"),
]


def _changed(tmp_path, trajectories, change):
    path = tmp_path / "a.hdf5"
    write_well(path, trajectories(fields={"tracer": 0, "velocity": 1, "D": 2}))
    with foreign_edit(path) as file:
        change(file)
    return path


@pytest.mark.parametrize(("change", "item"), ERRORS, ids=[f"{i}-{item}" for i, (_, item) in enumerate(ERRORS)])
def test_every_required_item_is_named(change, item, trajectories, tmp_path):
    path = _changed(tmp_path, trajectories, change)
    faults = check(path)
    assert item in [fault.item for fault in faults if fault.severity == "error"], [str(fault) for fault in faults]
    assert exit_code(faults) == 1
    assert all(fault.problem and fault.remedy and str(path) in str(fault) for fault in faults)


@pytest.mark.parametrize(("change", "item"), WARNINGS)
def test_warnings_do_not_make_a_file_invalid(change, item, trajectories, tmp_path):
    faults = check(_changed(tmp_path, trajectories, change))
    assert {(fault.item, fault.severity) for fault in faults} == {(item, "warning")}
    assert exit_code(faults) == 0


@pytest.mark.parametrize("change", FINE)
def test_what_the_format_allows_is_no_fault(change, trajectories, tmp_path):
    assert check(_changed(tmp_path, trajectories, change)) == []


def test_nan_is_located(trajectories, tmp_path):
    def change(file):
        file["t1_fields/velocity"][1, 3, 2, 2, 1] = math.nan

    (fault,) = check(_changed(tmp_path, trajectories, change))
    assert "velocity_y is NaN or infinite in trajectory 1, frame 3" in fault.problem


def test_one_frame_is_too_few(trajectories, tmp_path):
    write_well(tmp_path / "a.hdf5", trajectories(frames=1))
    faults = check(tmp_path / "a.hdf5")
    assert [fault.item for fault in faults] == ["dimensions/time"] and exit_code(faults) == 1


@pytest.mark.parametrize("content", [None, b"", b"text", "truncated"])
def test_unreadable_is_code_2(content, trajectories, tmp_path):
    path = tmp_path / "a.hdf5"
    write_well(path, trajectories())
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-999] if content == "truncated" else content)
    faults = check(path)
    assert len(faults) == 1 and faults[0].remedy and exit_code(faults) == 2


def test_empty_folder_is_code_2(tmp_path):
    assert exit_code(check(tmp_path)) == 2
    (tmp_path / "data" / "train").mkdir(parents=True)
    assert exit_code(check(tmp_path)) == 2


def test_whole_dataset(dataset):
    root = dataset()
    (fault,) = check(root)
    assert fault.item == "stats.yaml" and exit_code([fault]) == 0
    write_stats(root)
    assert check(root) == []
    assert check(root / "data" / "train") == []


@pytest.mark.parametrize(
    ("options", "item"),
    [
        ({"system": "other"}, "dataset_name"),
        ({"shape": (8, 10)}, "resolution"),
        ({"fields": {"tracer": 0, "velocity": 1}}, "fields"),
        ({"periodic": (True, False)}, "boundary_conditions"),
        ({"frames": 7}, "number of frames"),
    ],
)
def test_files_that_do_not_belong_together(options, item, dataset, trajectories):
    root = dataset()
    write_stats(root)
    write_well(root / "data" / "valid" / "b.hdf5", trajectories(seed=9, **options))
    (fault,) = check(root)
    assert fault.item == item and fault.file.name == "b.hdf5"
    assert exit_code([fault]) == (0 if item == "number of frames" else 1)


def test_missing_split_and_bad_stats(dataset):
    root = dataset()
    stats = write_stats(root)
    (root / "data" / "test" / "a.hdf5").unlink()
    (fault,) = check(root)
    assert fault.file.name == "test" and fault.severity == "warning"
    text = (root / "stats.yaml").read_text()
    for broken in (text.replace("tracer", "trace"), text.replace("rms_delta", "rms_d"), "a: [", text[:40]):
        (root / "stats.yaml").write_text(broken)
        faults = [fault for fault in check(root) if fault.severity == "error"]
        assert faults and all(fault.file.name == "stats.yaml" for fault in faults)
    assert set(stats) == {"mean", "std", "rms", "mean_delta", "std_delta", "rms_delta"}


def test_the_same_trajectory_in_two_splits(dataset, trajectories):
    root = dataset()
    write_stats(root)
    write_well(root / "data" / "test" / "leak.hdf5", trajectories(seed=0))
    faults = check(root)
    assert exit_code(faults) == 1
    assert any("train/a.hdf5" in fault.problem and fault.file.name == "leak.hdf5" for fault in faults)


def test_the_same_start_with_other_parameters_is_an_error_unless_allowed(dataset, trajectories):
    root = dataset()
    write_stats(root)
    data = trajectories(seed=0)
    data.parameters["Reynolds"] = data.parameters["Reynolds"] * 2
    write_well(root / "data" / "test" / "same_start.hdf5", data)
    (fault,) = check(root)
    assert fault.severity == "error" and "2 pairs start from the same frame with other parameters" in fault.problem
    (fault,) = check(root, allow_shared_starts=True)
    assert fault.severity == "warning" and "2 pairs start from the same frame" in fault.problem


def test_golden_files_are_valid(golden):
    for path in sorted((golden / "well_window").rglob("*.hdf5")):
        assert check(path) == []

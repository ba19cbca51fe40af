"""Units that a file states are carried into what is written of it, and told where numbers of others would be taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import physrep
from physrep.data import WellFile, check, split_files
from physrep.data.config import DataConfig
from physrep.data.convert import ConvertConfig, convert, from_xarray, open_any
from physrep.errors import PhysrepError
from physrep.readout import Instrument
from tests.helpers.foreign_edit import foreign_edit

xarray = pytest.importorskip("xarray")

SAID = {"time": "s", "x": "m", "y": "m", "u": "m s-1", "v": "m s-1", "rate": "s-1"}
STATED = {"time": "s", "axis x": "m", "axis y": "m", "field u": "m s-1", "field v": "m s-1", "parameter rate": "s-1"}


def waves(n: int = 30, seed: int = 0, **units: str) -> Any:
    """Decaying waves whose time, axes, fields and rate state their units."""
    generator = np.random.default_rng(seed)
    rate, phase, t, x = generator.uniform(0.5, 3, n), generator.uniform(0, 6, n), 0.1 * np.arange(8), np.arange(16) / 16
    wave = np.sin(2 * np.pi * (x[:, None] + x)[None, None] + phase[:, None, None, None])
    field = np.exp(-rate[:, None] * t)[:, :, None, None] * wave
    axes = ("sample", "time", "x", "y")
    noise = 0.01 * generator.normal(size=field.shape)
    found = xarray.Dataset(
        {"u": (axes, field + noise), "v": (axes, field**2 + noise), "rate": (("sample",), rate)},
        {"time": t, "x": x, "y": x},
    )
    for name, text in (SAID | units).items():
        found[name].attrs["units"] = text
    return found


def test_units_are_carried_from_netcdf_to_the_data_set_and_from_there_to_the_next(tmp_path: Path) -> None:
    waves().to_netcdf(tmp_path / "waves.nc", engine="h5netcdf")
    root = convert(tmp_path / "waves.nc", tmp_path / "one")
    (file,) = split_files(root, "train")
    assert WellFile(file).units == STATED
    for fault in check(root):
        assert "units" not in fault.problem
    assert open_any(str(file)).units == STATED
    assert from_xarray(waves()).units == STATED
    again = convert(str(file), tmp_path / "two")
    assert WellFile(split_files(again, "train")[0]).units == STATED


def test_what_is_given_or_joined_has_the_units_of_its_giver(tmp_path: Path) -> None:
    path = tmp_path / "waves.nc"
    waves().to_netcdf(path, engine="h5netcdf")
    (tmp_path / "table.csv").write_text("\n".join(["trajectory,rate", *(f"{n},{n + 1}" for n in range(30))]))
    found = open_any(path, dt=0.5, dx=[2.0], parameters=tmp_path / "table.csv", fields=["velocity=u,v"])
    assert found.units == {"field velocity": "m s-1"}
    path = tmp_path / "mixed.nc"
    waves(v="cm s-1").to_netcdf(path, engine="h5netcdf")
    with pytest.raises(PhysrepError, match=r"velocity would join u in 'm s-1' and v in 'cm s-1'; store them in one"):
        open_any(path, fields=["velocity=u,v"])
    dated = waves().assign_coords(time=np.datetime64("2026-01-01", "ns") + np.arange(8) * np.timedelta64(60, "s"))
    assert from_xarray(dated).units["time"] == "s"


@pytest.mark.parametrize(
    ("what", "place"),
    [("time", "dimensions/time"), ("axis y", "dimensions/y"), ("field u", "t0_fields/u"),
     ("parameter rate", "scalars/rate")],
)  # fmt: skip
@pytest.mark.parametrize("split", ["train", "test"])
def test_files_and_splits_in_other_units_are_refused(what: str, place: str, split: str, tmp_path: Path) -> None:
    waves().to_netcdf(tmp_path / "waves.nc", engine="h5netcdf")
    root = convert(tmp_path / "waves.nc", tmp_path / "data", ConvertConfig(per_file=12))
    with foreign_edit(Path(str(split_files(root, split)[-1]))) as file:
        file[place].attrs["units"] = "furlong"
    said = [fault for fault in check(root) if fault.item == f"units of {what}" and fault.severity == "error"]
    assert said and "'furlong'" in said[0].problem and f"'{STATED[what]}'" in said[0].problem
    with pytest.raises(PhysrepError, match=rf"{split}/.*has units of {what} 'furlong', but .* has '{STATED[what]}'"):
        DataConfig(path=str(root)).open_splits()
    with foreign_edit(Path(str(split_files(root, split)[-1]))) as file:
        del file[place].attrs["units"]
    DataConfig(path=str(root)).open_splits()


def test_a_recording_in_other_units_is_outside_of_what_was_learned(tmp_path: Path) -> None:
    estimator = physrep.ParameterEstimator("spectra", channels=["u"], probes=("ridge",)).fit(waves(60).drop_vars("v"))
    instrument = estimator.instrument_
    (tmp_path / "new").mkdir()
    for units, reasons in (
        ({}, []),
        ({"u": "cm s-1"}, ["field u in 'cm s-1', trained on 'm s-1'"]),
        (
            {"time": "ms", "rate": "ms-1"},
            ["time in 'ms', trained on 's'", "parameter rate in 'ms-1', trained on 's-1'"],
        ),
        ({"v": "cm s-1"}, []),
    ):
        new = waves(3, 1, **units)
        assert [r for r in estimator.ask(new)[0].reasons if " in '" in r] == reasons
        source = tmp_path / "-".join(["new", *units, ".nc"])
        new.to_netcdf(source, engine="h5netcdf")
        root = convert(source, source.with_suffix(""), ConvertConfig(split="test"))
        table = instrument.predict(str(root))
        assert all((word in table["reasons"][0]) == bool(reasons) for word in reasons or [" in '"])
        assert not reasons or set(table["inside"]) == {"outside"}
    assert isinstance(instrument, Instrument)

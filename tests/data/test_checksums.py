"""Written files carry checksums; `check` and first readings verify them, later readings give the same values."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
import pytest
import torch

from physrep.data import WellFile, WellSplit, check
from physrep.data.chunks import CHECKSUM, LARGEST, chunk_shape, stored_bytes
from physrep.data.layout import VerifiedBefore
from physrep.errors import PhysrepError
from tests.helpers.small_data import write_waves


def _numeric(file: h5py.File) -> list[h5py.Dataset]:
    found: list[h5py.Dataset] = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) and item.ndim else None)
    return found


def _array(file: h5py.File, item: str) -> Any:
    return file[item]


def _flip(path, item: str, place: int = 40) -> None:
    with h5py.File(path) as file:
        offset = _array(file, item).id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + place] ^= 4
    path.write_bytes(data)


@pytest.fixture
def train(tmp_path):
    write_waves(tmp_path)
    return next((tmp_path / "waves" / "data" / "train").glob("*.hdf5"))


def test_every_array_of_a_written_file_has_a_checksum(train):
    with h5py.File(train) as file:
        arrays = _numeric(file)
        assert len(arrays) > 4 and all(array.fletcher32 for array in arrays)


@pytest.mark.parametrize("item", ["field", "dimensions/time", "mask"])
def test_one_flipped_bit_is_found(train, item):
    with WellFile(train) as file:
        field, axis = next(iter(file.fields)), file.axes[0]
    if item == "mask":
        item = f"boundary_conditions/{axis}_periodic/mask"
    _flip(train, f"t0_fields/{field}" if item == "field" else item, 40 if item == "field" else 5)
    faults = [fault for fault in check(train) if fault.severity == "error"]
    assert faults and any("checksum does not match" in fault.problem for fault in faults)
    with pytest.raises(PhysrepError, match="checksum does not match"), WellFile(train) as file:
        file.read(0, 0, file.n_frames)


def test_a_stream_verifies_what_it_reads_first_and_gives_it_again_unverified(train):
    split = WellSplit(train.parents[2], "train", 4)
    first = split.clip([0, 3]).fields
    with WellFile(train) as file:
        field = next(iter(file.fields))
    _flip(train, f"t0_fields/{field}", 0)
    again = split.clip([0]).fields[0]  # The flipped bit is read, as from any file without checksums.
    assert not torch.equal(again, first[0]) and torch.allclose(again, first[0], atol=1e-2, rtol=1e-2)
    with pytest.raises(PhysrepError, match="checksum does not match"):
        WellSplit(train.parents[2], "train", 4).clip([0])


@pytest.mark.parametrize("chunk", [None, (1, 5, 6, 4), (1, 1, 6, 4), (2, 3, 4, 3), (1, 7, 6, 1)])
@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", ">f4"])
@pytest.mark.parametrize("options", [{"fletcher32": True}, {"fletcher32": True, "compression": "gzip"}, {}])
def test_reading_without_verifying_gives_the_same_values(tmp_path, chunk, dtype, options):
    rng = np.random.default_rng(0)
    values = (1000 * rng.standard_normal((3, 7, 6, 4))).astype(dtype)
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=values, **({"chunks": chunk} if chunk else {}), **options)
    with h5py.File(path, "r") as file:
        reader = VerifiedBefore(_array(file, "a"))
        assert (reader.layout is not None) == ("compression" not in options and dtype != ">f4")
        for _ in range(40):
            index: list[int | slice] = [int(rng.integers(3))]
            for n in values.shape[1 : rng.integers(2, 5)]:
                start, stop = sorted(rng.choice(n + 1, 2, replace=False).tolist())
                index.append(slice(start, stop, int(rng.integers(1, 4))))
            np.testing.assert_array_equal(reader.read(index), values[tuple(index)])


def test_a_chunk_that_lies_outside_of_the_file_is_an_error(tmp_path):
    path = tmp_path / "a.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("a", data=np.ones((2, 4, 3)), chunks=(1, 4, 3), fletcher32=True)
    with h5py.File(path, "r") as file:
        reader = VerifiedBefore(_array(file, "a"))
        reader.read([1, slice(0, 4)])
        with open(path, "r+b") as raw:
            raw.truncate(int(reader.layout.offsets[1, 0, 0]) + 8)  # type: ignore[union-attr]
        with pytest.raises(OSError, match="truncated"):
            reader.read([1, slice(0, 4)])


@pytest.mark.parametrize("frame", [(8, 8), (256, 256, 2), (512, 512, 512), (70000, 70000)])
@pytest.mark.parametrize("frames", [1, 2, 36, 101, 1000])
def test_chunks_are_few_per_window_and_never_too_large(frame, frames):
    chunk = chunk_shape(frames, frame)
    size = 4 * int(np.prod(chunk))
    assert size <= LARGEST and all(1 <= c <= n for c, n in zip(chunk, (1, frames, *frame), strict=True))
    whole = 4 * frames * int(np.prod(frame))
    assert stored_bytes((1, frames, *frame), chunk) - CHECKSUM <= 2 * whole + CHECKSUM * 4 * whole / size
    if size < 1 << 20 and chunk[1] < frames:
        assert 2 * size >= 1 << 20

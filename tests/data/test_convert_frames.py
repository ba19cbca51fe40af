"""Frames: VTK's own files in all its encodings, pictures, videos; and a source larger than memory."""

from __future__ import annotations

import base64
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from physrep.data.convert import open_any
from physrep.data.convert.vtk_files import read_image
from physrep.errors import PhysrepError
from tests.helpers.vtk_samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_files_written_by_vtk(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(zlib.decompress(base64.b85decode(SAMPLES[name])))
    image = read_image(path)
    exact = "ascii" not in name
    u, velocity = np.arange(12, dtype=np.float32).reshape(4, 3) / 7, np.arange(36).reshape(4, 3, 3) / 3
    assert np.allclose(image.arrays["u"][..., 0], u, rtol=0 if exact else 1e-5, atol=0)
    assert np.allclose(image.arrays["velocity"][..., 0, :], velocity, rtol=0 if exact else 1e-5, atol=0)
    assert image.spacing == (0.5, 0.25, 1.0) and image.origin == (1.0, 2.0, 0.0)


def test_a_vector_of_vtk_keeps_the_components_of_its_space(tmp_path: Path) -> None:
    for frame in (9, 10):
        name = "binary_zlib_0_64.vti"
        (tmp_path / f"f_{frame}.vti").write_bytes(zlib.decompress(base64.b85decode(SAMPLES[name])))
    found = open_any(tmp_path)
    assert found.axes == ("x", "y") and {f.name: f.order for f in found.fields} == {"u": 0, "velocity": 1}
    assert np.array_equal(found.read(0, "velocity")[1], (np.arange(36).reshape(4, 3, 3) / 3).astype("f4")[..., :2])
    assert found.coordinates["y"].tolist() == [2.0, 2.25, 2.5]


def test_unstructured_vtk_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "mesh.vti").write_text('<VTKFile type="UnstructuredGrid"/>')
    with pytest.raises(PhysrepError, match="only ImageData on a regular grid is read; resample it"):
        open_any(tmp_path)


def test_colour_pictures_and_a_picture_of_another_size(tmp_path: Path) -> None:
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(3):
        Image.fromarray(rng.integers(0, 256, (9, 11, 3), np.uint8)).save(tmp_path / f"{i}.png")
    found = open_any(tmp_path)
    assert found.shape == (11, 9) and "colours become their luminance" in found.notes
    assert found.read(0, "intensity").shape == (3, 11, 9)
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "2.png")
    with pytest.raises(PhysrepError, match=r"2\.png: has \(5, 5\) pixels"):
        open_any(tmp_path).read(0, "intensity")


def test_video_gives_its_frames_in_any_order(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    pictures = np.random.default_rng(0).integers(0, 256, (12, 16, 32), np.uint8)
    with av.open(str(tmp_path / "flow.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=20)  # lossless
        stream.width, stream.height, stream.pix_fmt = 32, 16, "gray"
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="gray")))
        container.mux(stream.encode(None))
    found = open_any(tmp_path / "flow.mkv")
    assert found.dt == pytest.approx(0.05) and found.shape == (32, 16) and found.frames(0) == 12
    for start, count in ((4, 3), (7, 5), (0, 2), (5, 1)):
        block = found.read(0, "intensity", start, count)
        assert np.array_equal(block, pictures[start : start + count].swapaxes(1, 2))


def peak_of_conversion(source: Path, out: Path) -> float:
    """Peak resident memory in MB of the command, beyond that of one that converts next to nothing."""
    code = (
        "import resource, sys\nfrom physrep.cli.main import main\n"
        "code = main(['convert', *sys.argv[1:], '--name', 'flow', '--per_file=2', '--drop-bad', '--split=test'])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(source), str(out)], capture_output=True, text=True)
    assert done.returncode in (0, 2), done.stderr
    return float(done.stdout.split()[-1])


def sparse(path: Path, trajectories: int, frames: int, points: int) -> Path:
    """A file whose values take no space on the disk: all zero, but for the last trajectory."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("u", (trajectories, frames, points, points), "f4", chunks=(1, 1, points, points))
        data[-1, -1] = np.random.default_rng(0).standard_normal((points, points))
        data[0, 0, 0, 0] = 1
    return path


def test_memory_does_not_grow_with_the_source(tmp_path: Path) -> None:
    small = peak_of_conversion(sparse(tmp_path / "small.h5", 2, 4, 64), tmp_path / "a")
    large = peak_of_conversion(sparse(tmp_path / "large.h5", 2, 200, 512), tmp_path / "b")
    assert large - small < 200, (small, large)  # the source holds 419 MB


@pytest.mark.slow
def test_twenty_gigabytes_convert_below_one(tmp_path: Path) -> None:
    peak = peak_of_conversion(sparse(tmp_path / "large.h5", 50, 400, 512), tmp_path / "out")
    assert peak < 1000, peak

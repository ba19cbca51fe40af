"""One set of trajectories in the formats that people have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

TRAJECTORIES, FRAMES, NX, NY = 20, 5, 12, 16
DT, DX = 0.25, 0.5


def values(whole: bool = False) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Fields u and v, float32 with shape (N, T, X, Y), and parameters; ``whole``: grey values from 0 to 65535."""
    rng = np.random.default_rng(0)
    shape = (TRAJECTORIES, FRAMES, NX, NY)
    if whole:
        u, v = rng.integers(0, 65536, (2, *shape)).astype(np.float32)
    else:
        u, v = rng.standard_normal((2, *shape)).astype(np.float32)
    return u, v, {"viscosity": rng.uniform(0.1, 1.0, TRAJECTORIES).astype(np.float32).astype(np.float64)}


def coordinates() -> dict[str, np.ndarray]:
    return {"t": DT * np.arange(FRAMES), "x": DX * np.arange(NX), "y": DX * np.arange(NY)}


def dataset():
    """As an xarray dataset, with y before x, as most models store it."""
    import xarray

    u, v, parameters = values()
    axes = coordinates()
    return xarray.Dataset(
        {
            "u": (("sample", "time", "y", "x"), u.swapaxes(2, 3)),
            "v": (("sample", "time", "y", "x"), v.swapaxes(2, 3)),
            **{name: (("sample",), column) for name, column in parameters.items()},
        },
        {"time": axes["t"], "x": axes["x"], "y": axes["y"]},
    )


def netcdf(folder: Path) -> Path:
    dataset().to_netcdf(folder / "set.nc", engine="h5netcdf")
    return folder / "set.nc"


def netcdf3(folder: Path) -> Path:
    dataset().to_netcdf(folder / "set.nc", engine="scipy", format="NETCDF3_64BIT")
    return folder / "set.nc"


def zarr(folder: Path) -> Path:
    dataset().to_zarr(folder / "set.zarr", consolidated=False)
    return folder / "set.zarr"


def npz(folder: Path) -> Path:
    u, v, parameters = values()
    np.savez_compressed(folder / "set.npz", u=u, v=v, **parameters, **coordinates())
    return folder / "set.npz"


def npz_each(folder: Path) -> Path:
    """One file per trajectory."""
    u, v, parameters = values()
    for i in range(len(u)):
        own = {name: column[i] for name, column in parameters.items()}
        np.savez(folder / f"run_{i}.npz", u=u[i], v=v[i], **own, **coordinates())
    return folder


def pdebench_tensor(folder: Path) -> Path:
    """PDEBench's ``tensor`` has no names of channels and one time too many; parameters come from a table."""
    u, v, parameters = values()
    axes = coordinates()
    with h5py.File(folder / "set.hdf5", "w") as file:
        file["tensor"] = np.stack([u, v], -1)
        file["t-coordinate"] = DT * np.arange(FRAMES + 1)
        file["x-coordinate"], file["y-coordinate"] = axes["x"], axes["y"]
    table(folder / "set.csv", parameters)
    return folder / "set.hdf5"


def pdebench_seeds(folder: Path) -> Path:
    u, v, parameters = values()
    axes = coordinates()
    with h5py.File(folder / "set.h5", "w") as file:
        for i in range(len(u)):
            group = file.create_group(f"{i:04d}")
            group["data"] = np.stack([u[i], v[i]], -1)
            for axis in ("t", "x", "y"):
                group[f"grid/{axis}"] = axes[axis]
    table(folder / "set.csv", parameters)
    return folder / "set.h5"


def pdeinvbench(folder: Path) -> Path:
    """A file per parameter, its value in the name, here with one trajectory each."""
    u, v, parameters = values()
    axes = coordinates()
    for i, viscosity in enumerate(parameters["viscosity"]):
        with h5py.File(folder / f"viscosity={float(viscosity)!r}_case={i}.h5", "w") as file:
            file["0001/data"] = np.stack([u[i], v[i]], -1)
            for axis in ("t", "x", "y"):
                file[f"0001/grid/{axis}"] = axes[axis]
    return folder


def matlab5(folder: Path) -> Path:
    from scipy.io import savemat

    u, v, parameters = values()
    savemat(folder / "set.mat", {"u": u, "v": v, **parameters, **coordinates()})
    return folder / "set.mat"


def matlab73(folder: Path) -> Path:
    """As MATLAB writes it: axes reversed, vectors as rows or columns."""
    u, v, parameters = values()
    with h5py.File(folder / "set.mat", "w", userblock_size=512) as file:
        for name, array in {"u": u, "v": v, **parameters, **coordinates()}.items():
            file[name] = array.T if array.ndim > 1 else array[None]
    with open(folder / "set.mat", "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file")
    return folder / "set.mat"


def vti(folder: Path) -> Path:
    """A folder per trajectory, a file per frame; raw appended data with a time."""
    u, v, parameters = values()
    for i in range(len(u)):
        (folder / f"run_{i}").mkdir()
        for t in range(FRAMES):
            (folder / f"run_{i}" / f"frame_{t}.vti").write_bytes(vti_bytes({"u": u[i, t], "v": v[i, t]}, t * DT))
    table(folder / "set.csv", parameters, "run_{}")
    return folder


def vti_bytes(fields: dict[str, np.ndarray], time: float) -> bytes:
    arrays, data = [], b""
    for name, array in fields.items():
        arrays.append(f'<DataArray type="Float32" Name="{name}" format="appended" offset="{len(data)}"/>')
        content = array.astype("<f4").tobytes(order="F")
        data += np.uint32(len(content)).tobytes() + content
    extent = f"0 {NX - 1} 0 {NY - 1} 0 0"
    head = (
        '<?xml version="1.0"?><VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt32">'
        f'<ImageData WholeExtent="{extent}" Origin="0 0 0" Spacing="{DX} {DX} 1"><FieldData><DataArray type="Float64" '
        f'Name="TimeValue" NumberOfTuples="1" format="ascii">{time!r}</DataArray></FieldData><Piece Extent="{extent}">'
        f"<PointData>{''.join(arrays)}</PointData></Piece></ImageData>"
        '<AppendedData encoding="raw">_'
    )
    return head.encode() + data + b"</AppendedData></VTKFile>"


def png(folder: Path) -> Path:
    """A folder per trajectory with 16-bit grey pictures, rows along y."""
    from PIL import Image

    u, _, parameters = values(whole=True)
    for i in range(len(u)):
        (folder / f"run_{i}").mkdir()
        for t in range(FRAMES):
            Image.fromarray(u[i, t].T.astype(np.uint16)).save(folder / f"run_{i}" / f"frame_{t}.png")
    table(folder / "set.csv", parameters, "run_{}")
    return folder


def table(path: Path, parameters: dict[str, np.ndarray], file: str = "") -> None:
    key = "file" if file else "trajectory"
    rows = [",".join([key, *parameters])]
    for i, values_ in enumerate(zip(*parameters.values(), strict=True)):
        rows.append(",".join([file.format(i) if file else str(i), *(repr(float(value)) for value in values_)]))
    path.write_text("\n".join(rows) + "\n")


FORMATS: dict[str, tuple[Callable[[Path], Path], tuple[str, ...]]] = {
    "netcdf": (netcdf, ("xarray", "h5netcdf")),
    "netcdf3": (netcdf3, ("xarray", "scipy")),
    "zarr": (zarr, ("xarray", "zarr")),
    "npz": (npz, ()),
    "npz_each": (npz_each, ()),
    "pdebench_tensor": (pdebench_tensor, ()),
    "pdebench_seeds": (pdebench_seeds, ()),
    "pdeinvbench": (pdeinvbench, ()),
    "matlab5": (matlab5, ()),
    "matlab73": (matlab73, ()),
    "vti": (vti, ()),
    "png": (png, ("PIL",)),
}
"""Name to writer, and the packages that it needs."""

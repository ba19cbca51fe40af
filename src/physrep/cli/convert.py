"""`physrep convert`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import PhysrepError
from ..streams import say_line
from .arguments import parser


def run(arguments: Sequence[str]) -> int:
    """Convert foreign files."""
    p = parser(
        "convert",
        "Convert the files that you have into a data set in The Well's format, piece by piece. SRC is a file, a Zarr "
        "store, a folder of files, or a folder of folders with frames: NetCDF, Zarr, .npz and .npy, HDF5 (Dedalus, "
        "PDEBench, PDEInvBench, RealPDEBench, others), MATLAB, VTK image data, images, videos. What is guessed is "
        "said. Called again, it goes on where it stopped.",
    )
    p.add_argument("source", type=str, metavar="SRC", help="file, store or folder")
    p.add_argument("out", type=str, metavar="OUT", help="folder of the data set")
    p.add_argument("--fields", type=str, nargs="+", help="fields to take: NAME, NEW=NAME, or velocity=u,v for a vector")
    p.add_argument("--axes", type=str, nargs="+", help="meaning of the stored axes, e.g. sample time y x channel")
    p.add_argument("--parameters", type=str | None, default=None, metavar="CSV", help="table with a column file or "
                   "trajectory and one column per parameter")  # fmt: skip
    p.add_argument("--numbers", type=str, nargs="+", help="parameters that the numbers in the files' names are")
    p.add_argument("--split", type=str | None, default=None, help="trajectory, cell, folder, train, valid, test, or a "
                   "column of the table")  # fmt: skip
    p.add_argument("--test-folder", type=str | None, default=None, metavar="NAME", help="folder beside train that is "
                   "taken as test, e.g. out_of_distribution")  # fmt: skip
    p.add_argument("--files-are", type=str | None, default=None, metavar="WHAT", help="trajectories, or frames: the "
                   "files of a folder are one trajectory; default what their times say")  # fmt: skip
    p.add_argument("--fractions", type=float, nargs=3, help="shares of train, valid and test; default 0.8 0.1 0.1")
    p.add_argument("--seed", type=int, default=0, help="of the shuffled splits")
    p.add_argument("--drop-bad", action="store_true", help="leave bad trajectories out, each named")
    p.add_argument("--dt", type=float | None, default=None, help="time between frames")
    p.add_argument("--dx", type=float, nargs="+", help="grid spacing, one number or one per axis")
    p.add_argument("--periodic", type=str, nargs="+", help="names of the periodic axes")
    p.add_argument("--name", type=str | None, default=None, help="of the data set; default that of SRC")
    p.add_argument("--per-file", type=int, default=64, help="trajectories per file")
    values = p.parse_args(list(arguments))

    if not Path(values.source).exists():
        raise PhysrepError(f"{values.source}: no such file or folder; check the path.")
    from ..data.convert import ConvertConfig, convert
    from .arguments import dataclass_from

    root = convert(
        values.source,
        values.out,
        dataclass_from(ConvertConfig, values.as_dict()),
        say_line,
    )
    print(f"the data set is in {root}; next: physrep check {root}")
    return 0

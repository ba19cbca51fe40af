"""`physrep simulate`."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import PhysrepError
from ..simulation import SimulationConfig, simulate
from .arguments import dataclass_from, parser


def run(arguments: Sequence[str]) -> int:
    """Simulate a data set."""
    p = parser(
        "simulate",
        "Simulate trajectories of a system into OUT/SYSTEM/data/{train,valid,test}/*.hdf5 (The Well's format) and "
        "stats.yaml. Interrupted, the same command goes on; the seed means the same for any number of workers.",
    )
    p.add_argument("system", type=str, help="name; see `physrep list systems`")
    p.add_argument("--out", type=str, required=True, help="folder of the data set")
    p.add_argument("--resolution", type=int, nargs="+", help="grid points per axis, e.g. 64 128")
    p.add_argument(
        "--range", type=str, action="append", default=[], metavar="NAME=LOW:HIGH", help="parameter range; repeatable"
    )
    p.add_argument("--splits", type=float, nargs=3, default=[0.8, 0.1, 0.1], help="fractions of train, valid, test")
    p.add_class_arguments(SimulationConfig, skip={"resolution", "ranges", "splits"})
    p.add_argument("--workers", type=int | None, default=None, help="processes; default the number of cores")
    p.add_argument("--device", type=str, default="cpu", help="cpu, or cuda for one large batch per file")
    values = p.parse_args(list(arguments))
    config = dataclass_from(SimulationConfig, values.as_dict())
    config.ranges = dict(_range(text) for text in values.range)
    root = simulate(values.system, values.out, config, workers=values.workers, device=values.device)
    files = sorted((root / "data").glob("*/*.hdf5"))
    size = sum(path.stat().st_size for path in files)
    print(f"{root}: {config.trajectories} trajectories in {len(files)} files, {size / 1e6:.0f} MB, and stats.yaml")
    return 0


def _range(text: str) -> tuple[str, list[float]]:
    name, _, bounds = text.partition("=")
    try:
        low, high = (float(part) for part in bounds.split(":"))
    except ValueError as error:
        raise PhysrepError(f"--range {text!r} is not NAME=LOW:HIGH, e.g. Reynolds=100:1000.") from error
    return name, [low, high]

"""`physrep simulate`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import PhysrepError
from ..executors import ClusterConfig
from ..files import read_json
from ..known_names import check_executor, check_name
from ..simulation.config import MARK, SimulationConfig
from ..streams import say_line
from ..yaml_reader import parse_yaml
from .arguments import (
    PLAN,
    Parser,
    add_device,
    add_executor,
    chosen_device,
    dataclass_from,
    options_of,
    parser,
    split_overrides,
)

SECTIONS = {"ranges": "range", "options": "option", "parameters": "parameter"}
"""Sections of dotted options, and the options ``--range NAME=LOW:HIGH`` that they were."""


def _parser() -> Parser:
    p = parser(
        "simulate",
        "Simulate trajectories of a system into OUT/SYSTEM/data/{train,valid,test}/*.hdf5 (The Well's format) and "
        "stats.yaml. Interrupted, the same command goes on; the seed means the same for any number of workers. "
        "Ranges, switches and parameters are dotted: --ranges.Reynolds '[100, 1000]' --options.model kinetic. "
        "With --from, one run starts from a stored frame instead and is compared with the frames that follow it. "
        "`physrep list systems NAME` tells a system's equations, units, ranges, starts and options.",
    )
    p.add_argument("system", type=str, help="name; see `physrep list systems`")
    p.add_argument("--out", type=str, required=True, help="folder of the data set")
    p.add_argument("--resolution", type=int, nargs="+", help="grid points per axis, e.g. 64 128")
    p.add_argument("--range", action="append", default=[], metavar="NAME=LOW:HIGH", help="former --ranges.NAME")
    p.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="former --options.NAME")
    p.add_argument("--splits", type=float, nargs=3, default=[0.8, 0.1, 0.1], help="fractions of train, valid, test")
    p.add_argument(
        "--allow-underresolved",
        action="store_true",
        help="simulate outside the range that the grid resolves, and record it in the files",
    )
    p.add_class_arguments(SimulationConfig, skip={"resolution", "ranges", "options", "splits", "allow_underresolved"})
    p.add_argument("--workers", type=int | None, default=None, help="processes; default the number of cores")
    p.add_argument("--plan", action="store_true", help=PLAN)
    add_device(p)
    p.add_argument("--preview", action="store_true", help="write an animation and a contact sheet beside the data")
    p.add_argument("--from", type=str, dest="source", metavar="FILE", help="start one run from a frame of this file")
    p.add_argument("--frame", type=int, default=0, help="with --from: which frame; negative counts from the end")
    p.add_argument("--trajectory", type=int, default=0, help="with --from: which trajectory of the file")
    p.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="former --parameters.NAME: with --from, a value that replaces the file's",
    )
    add_executor(p)
    p.add_class_arguments(ClusterConfig, "cluster")
    return p


def run(arguments: Sequence[str]) -> int:
    """Simulate a data set, or one run from a stored frame."""
    p = _parser()
    plain, overrides = split_overrides(arguments, sections=list(SECTIONS))
    values = p.parse_args(plain)
    check_name("system", values.system)
    check_executor(values.executor)
    nested = options_of(overrides, list(SECTIONS), "simulate")
    for section, former in SECTIONS.items():
        if former in p.given:
            note = f"command line: --{former} is deprecated since 0.1.0; write --{section}.NAME VALUE."
            say_line(note)
    _refuse(p, values, nested)
    options = dict(_pair(text, "--option", "model=kinetic") for text in values.option)
    options = {name: parse_yaml(value, f"--option {name}") for name, value in options.items()}
    options |= nested.get("options", {})
    if values.source:
        return _continue(values, options, nested.get("parameters", {}))
    config = dataclass_from(SimulationConfig, values.as_dict())
    for name, bounds in nested.get("ranges", {}).items():
        if not (isinstance(bounds, list) and len(bounds) == 2 and all(type(b) in (int, float) for b in bounds)):
            raise PhysrepError(f"--ranges.{name} is {bounds!r}; give '[LOW, HIGH]'.")
    config.ranges = dict(_range(text) for text in values.range) | nested.get("ranges", {})
    config.options = options
    if values.plan:
        from ..simulation.plan import plan_simulation

        print(plan_simulation(values.system, values.out, config, values.workers, chosen_device(values)))
        return 0
    from ..simulation import simulate

    root = simulate(
        values.system,
        values.out,
        config,
        workers=values.workers,
        device=chosen_device(values),
        executor=values.executor,
        cluster=dataclass_from(ClusterConfig, values.cluster.as_dict()),
    )
    files = sorted((root / "data").glob("*/*.hdf5"))
    size = sum(path.stat().st_size for path in files)
    count = read_json(root / MARK)["trajectories"]
    print(f"{root}: {count} trajectories in {len(files)} files, {size / 1e6:.0f} MB, and stats.yaml")
    if values.preview:
        _preview(files, root / "preview")
    return 0


def _refuse(p: Parser, values: Any, nested: Mapping[str, Any]) -> None:
    """Options that the other of the two ways to simulate takes."""
    if values.source:
        if "ranges" in nested:
            raise PhysrepError("--ranges.NAME has no effect: --from starts one run from a stored frame; leave it out.")
        used = {"system", "out", "resolution", "option", "source", "frame", "trajectory", "parameter", "device"}
        used |= {"frames", "save_dt", "precision", "allow_underresolved", "preview"}
        p.refuse(sorted(p.given - used), "--from starts one run from a stored frame")
    else:
        p.refuse(("frame", "trajectory", "parameter"), "it goes with --from, which is not given")
        if "parameters" in nested:
            raise PhysrepError("--parameters.NAME has no effect: it goes with --from, which is not given.")


def _continue(values: Any, options: dict[str, Any], given: dict[str, Any]) -> int:
    parameters = {}
    for text in values.parameter:
        name, value = _pair(text, "--parameter", "Reynolds=500")
        try:
            parameters[name] = float(value)
        except PhysrepError:
            raise
        except ValueError as error:
            raise PhysrepError(f"--parameter {text!r}: {value!r} is not a number.") from error
    from ..simulation import simulate_from

    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise PhysrepError(f"--parameters.{name} is {value!r}; give a number.")
        parameters[name] = float(value)
    result = simulate_from(
        values.system,
        values.source,
        values.out,
        frame=values.frame,
        trajectory=values.trajectory,
        resolution=values.resolution,
        frames=values.frames,
        save_dt=values.save_dt,
        parameters=parameters,
        options=options,
        precision=values.precision,
        allow_underresolved=values.allow_underresolved,
        device=chosen_device(values),
    )
    print(f"{result.path}: run from frame {values.frame} of trajectory {values.trajectory} of {values.source}")
    if len(result.times) > 1:
        print("relative difference from the frames of the source, ‖new - stored‖ / ‖stored - mean‖:")
        print("  ".join(f"{name:>12}" for name in ("t", *result.differences)))
        for row, time in enumerate(result.times):
            cells = (f"{time:12.4g}", *(f"{column[row]:12.2e}" for column in result.differences.values()))
            print("  ".join(cells))
    if values.preview:
        _preview([result.path], result.path.with_suffix(""))
    return 0


def _preview(files: Sequence[Path], folder: Path) -> None:
    from ..preview import write_preview

    for path in write_preview(files, folder):
        print(path)


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise PhysrepError(f"{option} {text!r} is not NAME=VALUE, e.g. {example}.")
    return name, value


def _range(text: str) -> tuple[str, list[float]]:
    name, _, bounds = text.partition("=")
    try:
        low, high = (float(part) for part in bounds.split(":"))
    except PhysrepError:
        raise
    except ValueError as error:
        raise PhysrepError(f"--range {text!r} is not NAME=LOW:HIGH, e.g. Reynolds=100:1000.") from error
    return name, [low, high]

"""`physrep bench`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..devices import check_device
from ..errors import PhysrepError
from ..files import read_yaml
from ..known_names import check_executor, check_name, check_steps
from .arguments import (
    PLAN,
    add_data_root,
    add_device,
    add_executor,
    apply_overrides,
    chosen_device,
    parser,
    split_overrides,
)
from .presets import config_path, presets


def run(arguments: Sequence[str]) -> int:
    """Run a benchmark and say where everything lies."""
    values, config = read(arguments, "bench", "Run a benchmark: simulate, train, embed, probe, score, report.")
    if values.print_config:
        print_config(config)
        return 0
    if not values.out:
        if values.config not in presets() and not values.plan:
            raise PhysrepError("--out is missing; name the folder of the benchmark, e.g. --out runs/quick.")
        values.out = str(Path("runs") / Path(values.config).stem)
    if values.plan:
        from ..benchmark.plan import plan_bench

        print(plan_bench(config, values.out, chosen_device(values)))
        return 0
    from ..benchmark import bench
    from .report import finish

    config.data = config.data.located(config.system)
    path = bench(config, values.out, device=chosen_device(values), devices=values.devices, executor=values.executor)
    print(finish(path.parent))
    return 0


def read(arguments: Sequence[str], command: str, description: str) -> tuple[Any, Any]:
    """Parsed arguments and the benchmark's configuration with overrides."""
    from ..benchmark import BenchConfig, read_config
    from ..benchmark.places import found_in

    p = parser(
        command,
        f"{description} Any setting of CONFIG can be overridden, dotted where it is nested: --seeds '[0, 1]' "
        "--training.steps 200 --data.path DIR --simulation.trajectories 500. Called again, it goes on.",
    )
    p.add_argument("config", type=str, help="YAML file, or name of a preset, e.g. quick; see `physrep list presets`")
    p.add_argument("--out", type=str | None, default=None, help="folder of the benchmark")
    add_device(p)
    p.add_argument("--devices", type=int, default=1, help="processes that train each run together; runs then queue up")
    add_executor(p)
    add_data_root(p, "the data set is CONFIG's data.dataset, or else its system, which is then not simulated")
    if command == "bench":
        p.add_argument("--plan", action="store_true", help=PLAN)
    p.add_argument("--print-config", action="store_true", help="print the complete configuration and stop")
    plain, overrides = split_overrides(arguments, [f.name for f in fields(BenchConfig)])
    values = p.parse_args(plain)
    check_executor(values.executor)
    check_device(values.device)
    stored = read_yaml(config_path(values.config))
    if not isinstance(stored, dict):
        raise PhysrepError(f"{values.config}: holds no settings; see configs/quick.yaml.")
    if Path(values.config).is_file():
        # A folder that was moved is continued from the file in it.
        stored = found_in(stored, Path(values.config).parent)
    config = read_config(apply_overrides(stored, overrides), values.config)
    _check_names(config)
    if values.data_root is not None:
        config = replace(config, data=replace(config.data, root=values.data_root, path=""))
    return values, config


def _check_names(config: Any) -> None:
    """Refuse unknown names before torch is imported and before anything is simulated."""
    from ..benchmark.grid import check_references

    if not (config.data.path or config.data.root or config.data.dataset):
        check_name("system", config.system)
    for probe in config.probes:
        check_name("probe", probe)
    check_name("encoder", config.encoder)
    for metric in config.metrics:
        check_name("metric", metric)
    for analysis in config.analyses:
        check_name("analysis", analysis)
    observation = config.data.observation
    for steps in observation.values() if isinstance(observation, dict) else [observation]:
        check_steps(steps)
    for number, run in enumerate(config.runs):
        check_references(run, config, f"runs[{number}]")
        if run.learner != "constant":
            check_name("learner", run.learner)
        if run.encoder:
            check_name("encoder", run.encoder)


def print_config(config: Any) -> None:
    """Print the complete configuration as YAML."""
    import yaml

    print(yaml.safe_dump(config.as_dict(), sort_keys=False, width=120), end="")

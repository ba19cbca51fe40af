"""`physrep study`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from ..errors import PhysrepError
from ..files import read_yaml
from .arguments import PLAN, add_device, apply_overrides, chosen_device, parser, split_overrides
from .bench import print_config
from .presets import config_path


def run(arguments: Sequence[str]) -> int:
    """Run a study and print its answers."""
    values, config = read(arguments)
    if values.print_config:
        print_config(config)
        return 0
    if values.plan:
        from ..study.plan import plan_study

        print(plan_study(config, values.out or "runs/study", chosen_device(values)))
        return 0
    if not values.out:
        raise PhysrepError("--out is missing; name the folder of the study, e.g. --out runs/study_heat.")
    from ..study.run import study

    print(study(config, values.out, device=chosen_device(values)))
    return 0


def read(arguments: Sequence[str]) -> tuple[Any, Any]:
    """Parsed arguments and the study's configuration with overrides."""
    from ..study.config import EXAMPLE, StudyConfig, read_study_config

    p = parser(
        "study",
        "What does a frozen video model know of a field's physics, and is it more than pixels? Simulate, render, "
        "embed, analyse, write a page. Any setting of CONFIG can be overridden, dotted where it is nested: "
        "--simulations 100 --encoders.vjepa2.source DIR. Called again, it goes on where it stopped.",
    )
    p.add_argument("config", type=str, help="YAML file, or name of a preset, e.g. study_heat")
    p.add_argument("--out", type=str | None, default=None, help="folder of the study")
    p.add_argument("--plan", action="store_true", help=PLAN)
    add_device(p)
    p.add_argument("--print-config", action="store_true", help="print the complete configuration and stop")
    plain, overrides = split_overrides(arguments, [f.name for f in fields(StudyConfig)])
    values = p.parse_args(plain)
    stored = read_yaml(config_path(values.config))
    if not isinstance(stored, dict):
        raise PhysrepError(f"{values.config}: holds no settings; see {EXAMPLE}.")
    return values, read_study_config(apply_overrides(stored, overrides), values.config)

"""What config.yaml of a run directory must hold, whoever wrote it or damaged it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from .data.config import DataConfig
from .errors import PhysrepError
from .ranges import SEEDS, setting
from .settings import construct

EXAMPLE = "a run of `physrep pretrain`"


@dataclass
class RunSettings:
    """The settings that every reader of a run relies on; what else a config holds is its writer's.

    Attributes:
        learner: name or import path.
        options: of the learner.
        in_channels, num_frames: C and T of the windows that it reads.
        data: the view on the data that it was trained on; its ``content`` is left out.
        parameters: name to scale, ``linear`` or ``log``.
        seed: of its weights.
    """

    learner: str
    options: dict[str, Any]
    in_channels: int = setting(at_least=0)
    num_frames: int = setting(at_least=1)
    data: DataConfig = setting()
    parameters: dict[str, str] = field(default_factory=dict)
    seed: int = setting(0, at_least=0, at_most=SEEDS)


def check_run_config(config: Mapping[str, Any], place: object) -> None:
    """Refuse a config in which a setting is missing, of a wrong type, or out of its range.

    Args:
        config: as the file holds it.
        place: the file.

    Raises:
        PhysrepError: naming the file and the setting.
    """
    own = {one.name: config.get(one.name) for one in fields(RunSettings)}
    construct(RunSettings, {**own, "data": known_data(own["data"])}, str(place), EXAMPLE)
    if config["learner"] == "":
        raise PhysrepError(f"{place}: learner is empty; copy the run again.")


def known_data(data: Any) -> Any:
    """The settings of a section ``data`` that `DataConfig` has; what is no mapping stays as it is."""
    known = {one.name for one in fields(DataConfig)}
    return {key: value for key, value in data.items() if key in known} if isinstance(data, Mapping) else data

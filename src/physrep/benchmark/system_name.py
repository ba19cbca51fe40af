"""What a table calls its system: as the configuration says, or as the data are called."""

from __future__ import annotations

from dataclasses import replace

from ..streams import say_line
from .config import BenchConfig


def with_system(config: BenchConfig) -> BenchConfig:
    """The same with its system named; one line says where data of another name are called so.

    Args:
        config: the benchmark; without ``system`` it takes the name in its data's files.

    Raises:
        PhysrepError: the data are not where they are said to be, or no file of them can be read.
    """
    from ..data.names import SPLITS
    from ..data.scan import has_split, split_files
    from ..data.wellfile import WellFile
    from ..systems import SYSTEMS

    # A data set that is named alone may be planned for.
    data = config.data.located(config.system) if config.data.root else config.data
    stored = data.dataset
    if data.path:
        split = next((name for name in SPLITS if has_split(data.path, name)), "train")
        with WellFile(split_files(data.path, split)[0], glance=True) as file:
            stored = file.dataset_name
    if not config.system:
        return replace(config, system=stored)
    if data.path and config.system in SYSTEMS and stored != config.system:
        say_line(
            f"{data.path}: the files call their system {stored}, the configuration {config.system}; tables, figures "
            f"and default scales of parameters follow the configuration, so set system: {stored} if they should not."
        )
    return config

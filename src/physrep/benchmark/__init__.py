"""The protocol as code: a configuration becomes runs, the runs become one long table."""

from typing import TYPE_CHECKING

from ..lazy import names_on_first_use

if TYPE_CHECKING:
    from .calibration import calibration as calibration
    from .calibration import calibration_text as calibration_text
    from .config import BenchConfig as BenchConfig
    from .config import RunConfig as RunConfig
    from .config import read_config as read_config
    from .directory import read_results as read_results
    from .grid import expand as expand
    from .runner import COLUMNS as COLUMNS
    from .runner import bench as bench

__all__ = names_on_first_use(__name__)  # pyright: ignore[reportUnsupportedDunderAll]

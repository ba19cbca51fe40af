"""The protocol as code: a configuration becomes runs, the runs become one long table."""

from .calibration import calibration, calibration_text
from .config import BenchConfig, RunConfig, expand, read_config
from .runner import COLUMNS, bench

__all__ = ["COLUMNS", "BenchConfig", "RunConfig", "bench", "calibration", "calibration_text", "expand", "read_config"]

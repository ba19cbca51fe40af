"""Learn representations of physical systems without labels, freeze them, and measure what they know.

    system -> trajectories (Well HDF5) -> clips -> learner (encoder) -> tokens -> probe -> scores -> report

The names below are imported on first use, so that ``import physrep`` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy import names_on_first_use
from .version import __version__

if TYPE_CHECKING:
    from .analyses import ANALYSES as ANALYSES
    from .analyses import Analysis as Analysis
    from .benchmark import BenchConfig as BenchConfig
    from .benchmark import bench as bench
    from .benchmark import read_config as read_config
    from .benchmark import read_results as read_results
    from .clip import Clip as Clip
    from .data import ClipDataset as ClipDataset
    from .data import open_clips as open_clips
    from .data import write_well as write_well
    from .data.config import DataConfig as DataConfig
    from .data.config import open_splits as open_splits
    from .data.convert import convert as convert
    from .data.convert import from_numpy as from_numpy
    from .data.convert import from_xarray as from_xarray
    from .data.convert import open_any as open_any
    from .errors import PhysrepError as PhysrepError
    from .fitting.estimator import ParameterEstimator as ParameterEstimator
    from .learners import LEARNERS as LEARNERS
    from .learners import Learner as Learner
    from .metrics import METRICS as METRICS
    from .metrics import Metric as Metric
    from .nn import ENCODERS as ENCODERS
    from .probes import PROBES as PROBES
    from .probes import AttentiveProbeFit as AttentiveProbeFit
    from .probes import Probe as Probe
    from .probes import RidgeProbe as RidgeProbe
    from .probes import evaluate as evaluate
    from .readout.instrument import load_readout as load_readout
    from .report import build_report as build_report
    from .run_directory import load_run as load_run
    from .simulation import SimulationConfig as SimulationConfig
    from .simulation import simulate as simulate
    from .systems import SYSTEMS as SYSTEMS
    from .systems import System as System
    from .systems import Trajectories as Trajectories
    from .tokens import LabelScaler as LabelScaler
    from .tokens import embed as embed
    from .tokens import embed_splits as embed_splits
    from .training.config import TrainingConfig as TrainingConfig
    from .training.pretrain import pretrain as pretrain

__all__ = ["__version__", *names_on_first_use(__name__)]  # pyright: ignore[reportUnsupportedDunderAll]

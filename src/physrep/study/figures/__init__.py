"""Figures of a study, in the style of the benchmark's."""

from .common import COLOURS, Score
from .confusion import confusion_figure
from .curves import curves_figure, sweep_figure
from .dots import dots_figure
from .pictures import instability_figure, samples_figure
from .scatter import scatter_figure
from .spectrum import spectrum_figure

__all__ = [
    "COLOURS",
    "Score",
    "confusion_figure",
    "curves_figure",
    "dots_figure",
    "instability_figure",
    "samples_figure",
    "scatter_figure",
    "spectrum_figure",
    "sweep_figure",
]

"""Figures of the analyses of latent trajectories, one row or curve per run."""

from .confusion import confusion_figure
from .curves import curves_figure, sweep_figure
from .dots import dots_figure
from .scatter import scatter_figure
from .spectrum import spectrum_figure

__all__ = ["confusion_figure", "curves_figure", "dots_figure", "scatter_figure", "spectrum_figure", "sweep_figure"]

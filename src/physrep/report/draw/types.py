"""Names of matplotlib's classes for annotations: matplotlib itself is imported where something is drawn."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure
    from matplotlib.figure import SubFigure as SubFigure
else:
    Axes = Figure = SubFigure = Any

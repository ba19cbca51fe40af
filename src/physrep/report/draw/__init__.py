"""One way to draw: dots with intervals, curves, scatter, matrix and grids of pictures, from rows to axes.

Every function takes axes and a frame with one row per mark; a `Plot` puts panels together, for a wide and for a narrow
page. Marks carry what hovering says (`say`), which the page shows from the SVG.
"""

from .curves import curves
from .dots import Reference, dots
from .figure import NARROW, WIDTH, Plot, save_figure, say
from .images import Pictures, colour_range, image_figure, images
from .matrix import matrix
from .scatter import scatter

__all__ = ["NARROW", "WIDTH", "Pictures", "Plot", "Reference", "colour_range", "curves", "dots", "image_figure",
           "images", "matrix", "save_figure", "say", "scatter"]  # fmt: skip

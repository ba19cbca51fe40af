"""Colours and settings of all figures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

BAND, INK, MUTED = "#f6ead2", "#222222", "#6a6a6a"


@contextmanager
def paper() -> Iterator[None]:
    """Matplotlib settings of all figures: its defaults and these, whatever a matplotlibrc says, and as before after it.

    Matplotlib reads a matplotlibrc of the working folder too, so that a page would depend on where it is made.
    """
    import matplotlib

    settings: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 9,
        "axes.titlesize": 9.5,
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.linewidth": 0.7,
        "axes.edgecolor": "#555555",
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": "#444444",
        "ytick.color": "#444444",
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "lines.linewidth": 1.5,
        # Text of a page stays text, and hovering finds the points of a line in its path.
        "svg.fonttype": "none",
        "path.simplify": False,
    }
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(settings)
        yield

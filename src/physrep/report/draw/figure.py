"""Figures: panels put together for a wide and a narrow page, written as PNG and as SVG whose marks say their values.

The SVG goes into the page as markup: its text stays text and takes the page's font, and what hovering says lies in
``title`` elements. An artist that says something carries it in its gid (see `say`), as matplotlib writes that as the id
of its group.
"""

from __future__ import annotations

import html
import io
import re
import xml.etree.ElementTree as xml
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...files import atomic_path
from ..style import paper
from .types import Axes, Figure

if TYPE_CHECKING:
    from matplotlib.artist import Artist

WIDTH, NARROW = 8.6, 4.2
"""Width of a figure in inches, on a desktop and on a phone."""

LARGEST = 1.5
"""Pixels per point, at most: text of 9 points is then that of the page's tables."""

SAY, CURVE, BETWEEN = "say:", "curve:", "\u2016"
SVG, LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"

PLACES = {"d", "x", "y", "width", "height", "transform", "viewBox"}
"""Attributes that hold coordinates."""

Panel = Callable[["Axes", bool], None]
"""Draws into axes; the flag says whether they stand in the first column, where names of rows and of the axis belong."""


def say(artist: Artist, *texts: str) -> None:
    """What hovering says over an artist; several texts are those of its marks in their order.

    Args:
        artist: a mark, or a line of marks.
        texts: one for the whole, or one per mark.
    """
    artist.set_gid(SAY + BETWEEN.join(texts))


def say_curve(artist: Artist, name: str, x: Sequence[float], y: Sequence[float]) -> None:
    """Over a line, hovering reads the nearest of its points."""
    artist.set_gid(f"{CURVE}{name}{BETWEEN}" + " ".join(f"{a:.7g},{b:.4g}" for a, b in zip(x, y, strict=True)))


@dataclass
class Plot:
    """Panels of one figure.

    Attributes:
        panels: what draws each of them.
        height: of a panel in inches.
        across: panels side by side on a wide page (0: all of them).
        ratios: widths of the columns of a wide page.
        legend: label, colour and line style of what the panels share.
        xlabel: below all panels.
        share: whether the panels of a wide page share the vertical axis.
        narrow: panels side by side on a narrow page.
        vector: False: the page shows the PNG (many points, fields).
        width: of the wide figure in inches.
    """

    panels: Sequence[Panel]
    height: float
    across: int = 0
    ratios: Sequence[float] | None = None
    legend: Sequence[tuple[str, str, Any]] = ()
    xlabel: str = ""
    share: bool = False
    narrow: int = 1
    vector: bool = True
    width: float = WIDTH

    def figure(self, width: float = 0.0) -> Figure:
        """The figure at a width in inches."""
        from matplotlib.figure import Figure
        from matplotlib.lines import Line2D

        width = width or self.width
        narrow = width < 0.7 * WIDTH and self.width > width
        across = min(self.across or len(self.panels), len(self.panels))
        across = self.narrow if narrow else across
        down = -(-len(self.panels) // across)
        columns = max(1, int(width / 1.75))
        more = 0.24 * -(-len(self.legend) // columns) + (0.25 if self.xlabel else 0.0)
        with paper():
            figure = Figure(figsize=(width, down * self.height + more), layout="constrained")
            ratios = self.ratios if across > 1 else None
            grid = figure.subplots(down, across, squeeze=False, width_ratios=ratios, sharey=self.share and across > 1)
            for k, ax in enumerate(grid.flat):
                if k < len(self.panels):
                    self.panels[k](ax, k % across == 0)
                else:
                    ax.set_visible(False)
            if self.xlabel:
                figure.supxlabel(self.xlabel, fontsize=9)
            if self.legend:
                handles = [Line2D([], [], color=c, ls=s, marker="o", ms=3.5, label=n) for n, c, s in self.legend]
                figure.legend(handles=handles, loc="outside lower center", ncols=min(columns, len(handles)),
                              frameon=False, fontsize=8)  # fmt: skip
        return figure

    def save(self, path: Path, alt: str, name: str = "") -> str:
        """Write the PNG and return the markup for a page.

        Args:
            path: of the PNG.
            alt: what the figure shows.
            name: class of the drawing.
        """
        figure = self.figure()
        if not self.vector:
            return save_figure(figure, path, alt)
        _write_png(figure, path, 150)
        # Laid out once: the layout takes most of the time.
        figure.set_layout_engine("none")
        shown = markup(figure, alt, name, path.stem + "w")
        if self.width <= NARROW:
            return f"<div>{shown}</div>"
        slim = markup(self.figure(NARROW), alt, name, path.stem + "n")
        return f'<div class="broad">{shown}</div><div class="slim">{slim}</div>'


def save_figure(figure: Figure, path: Path, alt: str, dpi: int = 140) -> str:
    """Write a figure of fields as PNG, and return it as an image for a page.

    Args:
        figure: what to write.
        path: of the PNG.
        alt: what it shows.
        dpi: points per inch.
    """
    import base64

    _write_png(figure, path, dpi)
    uri = f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"
    # As wide as its texts need, like the figures that are markup: a small one does not fill the page.
    wide = LARGEST * 72 * figure.get_figwidth()
    return f'<img alt="{html.escape(alt)}" style="max-width: {wide:.0f}px" src="{uri}">'


def _write_png(figure: Figure, path: Path, dpi: int) -> None:
    with paper(), atomic_path(path) as temporary:
        figure.savefig(temporary, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.04)


def markup(figure: Figure, alt: str, name: str = "", salt: str = "") -> str:
    """A figure as an SVG element of a page.

    Args:
        figure: the figure.
        alt: what it shows.
        name: further class of the element.
        salt: keeps ids of figures on one page apart.
    """
    import matplotlib

    buffer = io.BytesIO()
    with paper(), matplotlib.rc_context({"svg.hashsalt": f"physrep {salt}"}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", bbox_inches="tight", pad_inches=0.03, metadata=nothing)
    root = xml.fromstring(buffer.getvalue())
    used = _links(root)
    for node in list(root.iter()):
        for child in list(node):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                node.remove(child)
        _explain(node)
        # Numbers need no more than hundredths of a point.
        for key in PLACES & set(node.attrib):
            node.set(key, re.sub(r"(\d\.\d\d)\d+", r"\1", re.sub(r"\s*\n\s*", " ", node.attrib[key].strip())))
        if node.get("id") not in used:
            node.attrib.pop("id", None)
    wide = LARGEST * float(root.get("width", "0").removesuffix("pt"))
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("style", f"max-width: {wide:.0f}px")
    root.attrib.update({"role": "img", "aria-label": alt, "class": f"plot {name}".strip()})
    xml.register_namespace("", SVG)
    text = xml.tostring(root, encoding="unicode")
    # In a page the elements are known without their namespaces.
    return re.sub(r">\s*\n\s*<", "><", re.sub(r' xmlns(:\w+)?="[^"]*"', "", text))


def _links(root: xml.Element) -> set[str]:
    """Ids that something refers to; links lose the old namespace."""
    used: set[str] = set()
    for node in root.iter():
        if (link := node.attrib.pop(f"{{{LINK}}}href", None)) is not None:
            node.set("href", link)
            used.add(link.lstrip("#"))
        for value in node.attrib.values():
            used.update(re.findall(r"url\(#([^)]+)\)", value))
    return used


def _explain(node: xml.Element) -> None:
    """Turn a gid of `say` into titles, and one of `say_curve` into the data of its line."""
    gid = node.get("id", "")
    if gid.startswith(CURVE):
        name, _, values = gid.removeprefix(CURVE).partition(BETWEEN)
        line = next(node.iter(f"{{{SVG}}}path"), None)
        if line is not None:
            line.attrib.update({"class": "curve", "data-name": name, "data-values": values})
    elif gid.startswith(SAY):
        texts = gid.removeprefix(SAY).split(BETWEEN)
        marks = list(node.iter(f"{{{SVG}}}use"))
        if len(marks) != len(texts):
            marks, texts = [node], [", ".join(texts)]
        for mark, text in zip(marks, texts, strict=True):
            title = xml.Element(f"{{{SVG}}}title")
            title.text = text
            mark.insert(0, title)

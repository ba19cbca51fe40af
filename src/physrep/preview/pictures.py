"""Pictures of simulated data: a contact sheet and an animation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..data import WellFile, open_well
from ..files import atomic_path
from ..formats import parameter_texts
from ..metrics.spacing import evenly_spaced
from ..palette import diverging
from ..report.draw.images import colour_bar, colour_range
from ..report.draw.types import Axes, Figure
from ..report.style import INK, MUTED, paper
from ..systems import SYSTEMS
from .views import View, views

if TYPE_CHECKING:
    from matplotlib.colors import ListedColormap

COLUMNS = 5
"""Times of a contact sheet."""

ANIMATION_FRAMES = 60
FRAMES_PER_SECOND = 12
ROWS = 2
"""Trajectories of the contact sheet."""


def write_preview(files: Sequence[Path], folder: Path) -> list[Path]:
    """Write ``contact_sheet.png`` (some trajectories at five times) and ``animation.gif`` (the first of them).

    Args:
        files: files of one data set in The Well's format.
        folder: where to write.

    Returns:
        The two paths.
    """
    shown: list[tuple[str, np.ndarray, list[View]]] = []
    for path in files:
        with open_well(path) as file:
            for index in range(file.n_trajectories):
                if len(shown) < ROWS:
                    shown.append((_title(file, index), file.time[index], views(file, index)))
    folder.mkdir(parents=True, exist_ok=True)
    sheet, animation = folder / "contact_sheet.png", folder / "animation.gif"
    figure = contact_sheet(shown)
    figure.set_dpi(110)
    with atomic_path(sheet) as temporary:
        # With these 256 colours a sheet is a quarter as large.
        _pixels(figure).quantize(palette=_palette(), dither=0).save(temporary, format="PNG", optimize=True)
    with atomic_path(animation) as temporary:
        _animate(*shown[0], temporary)
    return [sheet, animation]


def contact_sheet(shown: Sequence[tuple[str, np.ndarray, list[View]]]) -> Figure:
    """Figure with a block of rows per trajectory (one row per view) and a column per time.

    Args:
        shown: per trajectory its title, its times and its views.
    """
    from matplotlib.figure import Figure

    rows = sum(len(own) for _, _, own in shown)
    first = shown[0][2][0]
    ratio = first.extent[1] / first.extent[0]
    tall = min(max(1.75 * ratio, 0.55), 2.2)
    cell = min(max(tall / ratio, 0.9), 2.2)
    with paper():
        figure = Figure(figsize=(cell * COLUMNS + 1.5, rows * tall + 0.45 * len(shown) + 0.3), layout="constrained")
        blocks = figure.subfigures(len(shown), 1, squeeze=False, height_ratios=[len(own) for _, _, own in shown])
        for block, (title, times, own) in zip(blocks[:, 0], shown, strict=True):
            block.suptitle(title, x=0.01, ha="left", fontsize=9.5, color=INK)
            axes = block.subplots(len(own), COLUMNS, squeeze=False)
            picked = np.linspace(0, len(times) - 1, COLUMNS).round().astype(int)
            for view, line in zip(own, axes, strict=True):
                for frame, ax in zip(picked, line, strict=True):
                    image = _draw(ax, view, int(frame))
                    if view is own[-1]:
                        ax.set_xlabel(f"t = {times[frame]:.4g}", fontsize=7.5, color=MUTED, labelpad=2)
                flat = {"rotation": 0, "ha": "right", "va": "center"} if tall < 0.8 else {}
                line[0].set_ylabel(view.label.replace(" (", "\n("), fontsize=8, **flat)
                colour_bar(block, list(line), image.get_clim(), image.get_cmap())
    return figure


def _pixels(figure: Figure) -> Any:
    """A drawn figure as a picture of PIL."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _palette() -> Any:
    """256 colours out of the very colour maps, so that no field is shown in colours that its bar does not have."""
    import matplotlib
    from PIL import Image

    maps = matplotlib.colormaps
    parts = ((diverging(), 101), (maps["cividis"], 100), (_pale(), 31), (maps["gray"], 24))
    colours = np.concatenate([cmap(np.linspace(0, 1, count))[:, :3] for cmap, count in parts])
    image = Image.new("P", (1, 1))
    image.putpalette((255 * colours).round().astype(np.uint8).ravel().tolist())
    return image


def _animate(title: str, times: np.ndarray, own: list[View], path: Path) -> None:
    from matplotlib.figure import Figure

    wide = 2.6
    tall = min(max(wide * own[0].extent[1] / own[0].extent[0], 0.8), 4.5)
    pages = []
    picked = evenly_spaced(len(times), ANIMATION_FRAMES)
    with paper():
        figure = Figure(figsize=(wide * len(own) + 0.3, tall + 0.75), layout="constrained", dpi=80)
        axes = figure.subplots(1, len(own), squeeze=False)[0]
        images = [_draw(ax, view, 0) for ax, view in zip(axes, own, strict=True)]
        for ax, view, image in zip(axes, own, images, strict=True):
            ax.set_title(view.label, fontsize=8.5)
            colour_bar(figure, [ax], image.get_clim(), image.get_cmap())
        heading = figure.suptitle(title, fontsize=9.5)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once: nothing may jump
        for frame in picked:
            for ax, view, image in zip(axes, own, images, strict=True):
                image.set_data(view.values[frame].T)
                if view.angle is not None:
                    for old in list(ax.collections):
                        old.remove()
                    _director(ax, view, int(frame))
            heading.set_text(f"{title},  t = {times[frame]:.2f}")
            pages.append(_pixels(figure))
    palette = _palette()  # one for all pages, or colours flicker from page to page
    pages = [page.quantize(palette=palette, dither=0) for page in pages]
    options = {"append_images": pages[1:], "duration": 1000 // FRAMES_PER_SECOND, "loop": 0, "optimize": True}
    pages[0].save(path, format="GIF", save_all=True, **options)


def _draw(ax: Axes, view: View, frame: int) -> Any:
    low, high, signed = colour_range(view.values, (0.3, 99.7))
    image = ax.imshow(
        view.values[frame].T,
        origin="lower",
        extent=(0, view.extent[0], 0, view.extent[1]),
        vmin=low,
        vmax=high,
        cmap=_pale() if view.angle is not None else diverging() if signed else "cividis",
        interpolation="bilinear",
    )
    if view.angle is not None:
        _director(ax, view, frame)
    ax.set(xticks=[], yticks=[])
    for spine in ax.spines.values():
        spine.set(visible=True, linewidth=0.3, color="#888888")
    return image


def _pale() -> ListedColormap:
    """Colours on which dark lines can be seen."""
    import matplotlib
    from matplotlib.colors import ListedColormap

    return ListedColormap(matplotlib.colormaps["GnBu"](np.linspace(0.0, 0.6, 256)).tolist(), name="physrep_pale")


def _director(ax: Axes, view: View, frame: int) -> None:
    """Headless lines along the director, on a coarser grid."""
    from matplotlib.collections import LineCollection

    assert view.angle is not None
    _, nx, ny = view.values.shape
    i, j = np.meshgrid(np.arange(0, nx, max(1, nx // 24)), np.arange(0, ny, max(1, ny // 24)), indexing="ij")
    angle = view.angle[frame, i, j].ravel()
    centre = np.stack([(i.ravel() + 0.5) * view.extent[0] / nx, (j.ravel() + 0.5) * view.extent[1] / ny], 1)
    half = 0.4 * max(view.extent) / 24 * np.stack([np.cos(angle), np.sin(angle)], 1)
    ax.add_collection(LineCollection(np.stack([centre - half, centre + half], 1).tolist(), colors=INK, linewidths=0.6))
    ax.set(xlim=(0, view.extent[0]), ylim=(0, view.extent[1]))


def _title(file: WellFile, trajectory: int) -> str:
    system = SYSTEMS.get(file.dataset_name)
    symbols = {p.name: p.symbol for p in system.parameters} if system else {}
    values = {name: float(value[trajectory]) for name, value in file.parameters.items()}
    return f"{file.dataset_name}: {parameter_texts(values, symbols)}"

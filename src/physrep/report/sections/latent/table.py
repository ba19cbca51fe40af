"""Figures and tables of the sections of latent trajectories."""

from __future__ import annotations

from ....benchmark.latent_table import LatentTable
from ...draw import Plot
from ...draw.types import Figure
from ...section import Section


def add_figure(table: LatentTable, section: Section, figure: Plot | Figure, name: str, caption: str) -> None:
    """Put a figure into a section."""
    section.show(figure, table.folder, name, caption.partition(".")[0], caption)

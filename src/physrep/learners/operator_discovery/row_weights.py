r"""What a row counts in the fit: windows and modes of the test functions differ in size by orders of magnitude.

    λ_wr = 1 / (s_r (E_w + ε) + σ² g_r/κ),      s_r = ⟨|Y_wrc|² / E_c⟩,      E_w = ⟨|Y_wrc|² / (s_r E_c)⟩_{r,c}

With s the mean spectrum of the change and E its mean size per channel over training windows, all modes and all windows
have about the same say: a trajectory that still grows from a small start, or a short wave, tells as much of an equation
as what is large, and is described by fewer terms. ε keeps windows in which next to nothing changes from ruling, and
modes count as having a share of at least `FAINTEST`.

A window in which fields change too fast for their frames has rows that are wrong by the quadrature in time. What it
holds at the highest frequency of the frames, ρ, tells so before anything is fitted (`WeakRows.unresolved`); such a
window counts by the share 1 / (1 + (ρ/ρ₀)²). Noise holds as much at the highest frequency as elsewhere: ρ₀ is at least
what it alone gives to the quarter of the windows that hold least of it, or few windows of a decaying field would rule.

White noise of variance σ² adds σ² g_r to the square of a row, whatever the change there. Where that exceeds the share κ
of the change, rows count by it: windows and modes that hold little beside noise hardly count. σ is the least level of
the windows (`views.noise_of`): noise has one level; what fields hold beyond the band looks like it and has many.

This is the weighting of generalised least squares under the assumption that what an equation leaves unexplained is in
proportion to the change itself (Aitken, Proc. R. Soc. Edinburgh 55, 1936).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .weak_form import Rows

FAINTEST = 1e-2
"""Least share of the strongest mode that a mode counts as having."""
STILL = 1e-3
"""ε: change of a window, as a share of the mean, below which it counts no more."""
RESOLVED_IN_TIME = 3e-2
"""ρ₀: on Gray-Scott fields rows of such a window have a relative squared error of about 1e-5, which goes with ρ²."""
CLEAREST = 0.25
"""Share of the windows that noise alone does not bring below half of their weight."""
MODEL = 1e-4
"""κ: share of the change that rows miss without noise, as the weights take it."""
WINDOWS = 512
"""Training windows whose change is looked at."""


@dataclass
class RowScale:
    """Sizes of the change over training windows.

    Attributes:
        spectrum: s, shape of the modes ``(M_x, M_y)`` or ``(M_x, M_y, M_z)``, mean 1.
        change: E_c of every channel, ``(C,)``.
        noise: σ², mean over the channels.
        resolved: ρ₀.
        present: rows of relations of one moment, which hold no derivative of time.
    """

    spectrum: Tensor
    change: Tensor
    noise: float = 0.0
    resolved: float = RESOLVED_IN_TIME
    present: bool = False

    def rows(self, shape: Sequence[int], halves: Sequence[bool], count: int) -> Tensor:
        """s of every row, ``(count,)``.

        Args:
            shape: modes of the windows, at most those of the spectrum.
            halves: see `cropped`.
            count: R; a row per bump in time, mode, and real and imaginary part.
        """
        part = cropped(self.spectrum, shape, halves).flatten()
        return part.repeat(count // len(part))

    def size(self, rows: Rows, spectrum: Tensor) -> Tensor:
        """Change of every channel of a window by the mean over its modes, in two views free of noise, ``(B, C)``."""
        own = (rows.y_a * rows.y_b / spectrum.unsqueeze(1)).mean(1)
        return torch.maximum(own, STILL * self.change)

    def weight(self, rows: Rows, spectrum: Tensor, gain: Tensor) -> Tensor:
        """λ of every row, ``(B, R)``.

        Args:
            rows: of B windows.
            spectrum: s of every row, ``(R,)``.
            gain: g, ``(R,)`` (`physrep.learners.operator_discovery.weak_form.WeakRows.gain`).
        """
        own = ((rows.y_a.square() + rows.y_b.square()) / 2 / spectrum.unsqueeze(1)).mean(1)
        size = (own / self.change).mean(1, keepdim=True) + STILL
        return 1 / (spectrum * size + self.noise * gain * (1 / self.change).mean() / MODEL)

    def share(self, level: Tensor) -> Tensor:
        """Share of white noise in what the windows' half views differ in, of variance ``level`` ``(B,)``."""
        return (self.noise / level.clamp_min(1e-300)).clamp_max(1.0)


def trust(unresolved: Tensor, resolved: float = RESOLVED_IN_TIME) -> Tensor:
    """Share by which windows count whose change is unresolved in time by ρ ``(B,)``; half at ``resolved``, ρ₀."""
    return 1 / (1 + (unresolved / resolved).square())


def row_scale(targets: Iterable[Tensor], shape: Sequence[int]) -> RowScale:
    """Sizes of the change ``(B, R, C)`` of the first `WINDOWS` windows.

    Args:
        targets: batches of windows.
        shape: of their modes.
    """
    total, windows = torch.zeros(()), 0
    for y in targets:
        total = total + y.square().unflatten(1, (-1, *shape)).mean(1).sum(0)
        windows += len(y)
        if windows >= WINDOWS:
            break
    power = (total / windows).clamp_min(1e-300)
    modes = tuple(range(len(shape)))
    spectrum = (power / power.mean(modes)).mean(-1)
    spectrum = spectrum.clamp_min(FAINTEST * float(spectrum.max()))
    spectrum = spectrum / spectrum.mean()
    return RowScale(spectrum, (power / spectrum.unsqueeze(-1)).mean(modes))


def cropped(table: Tensor, shape: Sequence[int], halves: Sequence[bool]) -> Tensor:
    """The part ``(*shape, ...)`` of a table over modes that a coarser grid holds.

    Args:
        table: ``(M_x, M_y, ...)``.
        shape: m_x, m_y and, in space, m_z.
        halves: of each axis, whether its modes are 0 … M; else they are -M … M.
    """
    for axis, (n, half) in enumerate(zip(shape, halves, strict=True)):
        first = 0 if half else (table.shape[axis] - n) // 2
        table = table.narrow(axis, first, n)
    return table

"""Values that no learner can use: NaN, infinite or constant fields, and too few frames."""

from __future__ import annotations

import math

import numpy as np

from .faults import Fault
from .stats import frame_blocks
from .wellfile import WellFile


def check_values(file: WellFile, quick: bool = False) -> list[Fault]:
    """Faults in the numbers of a file whose format is in order; ``quick`` reads first and last frames only."""
    faults = []
    if file.n_frames < 2:
        problem = f"has {file.n_frames} frames"
        faults.append(Fault(file.path, "dimensions/time", problem, "a trajectory needs at least 2, for its dynamics"))
    if not file.channels:
        faults.append(Fault(file.path, "t0_fields@field_names", "names no time-varying field", "store at least one"))
    for field in file.fields.values():
        low = np.full(len(field.channels), np.inf)
        high = np.full(len(field.channels), -np.inf)
        bad: tuple[int, int, str] | None = None
        blocks = frame_blocks(file.n_frames, 4 * len(field.channels) * math.prod(file.shape))
        if quick:
            blocks = [(start, 1) for start in sorted({0, file.n_frames - 1})]
        for trajectory in range(file.n_trajectories):
            for start, frames in blocks:
                block = file.read(trajectory, start, frames, channels=field.channels)
                flat = block.reshape(len(block), -1)
                finite = np.isfinite(block)
                if not finite.all():
                    channel, frame = (int(i[0]) for i in np.nonzero(~finite)[:2])
                    bad = bad or (trajectory, start + frame, field.channels[channel])
                    continue
                low, high = np.minimum(low, flat.min(1)), np.maximum(high, flat.max(1))
        item = f"t{field.order}_fields/{field.name}"
        if bad is not None:
            trajectory, frame, channel = bad
            problem = f"{channel} is NaN or infinite in trajectory {trajectory}, frame {frame}"
            faults.append(Fault(file.path, item, problem, "leave that trajectory out or simulate it again"))
        for channel, lowest, highest in zip(field.channels, low, high, strict=True):
            if lowest == highest and field.time_varying:
                problem = f"{channel} is constant ({lowest:.6g})"
                faults.append(Fault(file.path, item, problem, "leave it out of 'fields' when learning", "warning"))
    return faults

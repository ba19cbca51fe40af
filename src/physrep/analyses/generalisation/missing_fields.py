"""One channel less."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ...clip import Clip
from .shift import FieldShift
from .study import ShiftStudy


class MissingFields(FieldShift):
    """Each channel in turn is its mean over the training split, at every point and frame."""

    def variants(self, study: ShiftStudy, clip: Clip) -> Iterator[tuple[str, str, Clip]]:
        for channel, mean in zip(study.train.channels, study.train.mean.tolist(), strict=True):
            fields = clip.fields.clone()
            fields[:, clip.channels.index(channel)] = mean
            yield channel, "missing", replace(clip, fields=fields)

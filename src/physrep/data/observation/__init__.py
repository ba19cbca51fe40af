"""The observer: what lies between a simulated field and what an instrument records of it.

An observation is a list of steps, ``[{name: options}, ...]``, names in `STEPS` or, for whole instruments, in
`COMBINATIONS`. Steps act on whole trajectories when the cache of a split is built, so that learners, floors, probes and
oracle see the same, and windows that overlap agree. All random numbers follow from the seed of the observation, the
split, the file, the trajectory in it, the step and, where something is drawn per frame, the frame. Adding a step is one
class and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import PhysrepError, nearest
from ...registry import build
from .base import Draws, Scene, Step
from .combinations import COMBINATIONS
from .noise import Noise
from .optics import Blur, Laplacian, Mask
from .readings import Fields, Gain, Offset, Quantise
from .views import Coarsen, Crop, FrameStep

STEPS: dict[str, type[Step]] = {
    "fields": Fields,
    "gain": Gain,
    "offset": Offset,
    "noise": Noise,
    "blur": Blur,
    "laplacian": Laplacian,
    "crop": Crop,
    "coarsen": Coarsen,
    "frame_step": FrameStep,
    "mask": Mask,
    "quantise": Quantise,
}

# Increase when a step gives other values for the same request.
VERSION = 1

Spec = Sequence[Mapping[str, Any] | str]
"""Steps as plain data: ``[{"noise": {"level": 0.05}}, {"fields": ["buoyancy"]}, "laplacian"]``."""


@dataclass(frozen=True)
class Observation:
    """An instrument, ready to look at trajectories.

    Attributes:
        steps: in the order in which they act.
        plain: the same as plain data, named instruments written out.
        seed: of all random numbers.
        split: whose trajectories are looked at.
    """

    steps: tuple[Step, ...]
    plain: tuple[tuple[str, dict[str, Any]], ...]
    seed: int
    split: str

    @classmethod
    def of(cls, spec: Spec, split: str, seed: int = 0) -> Observation:
        """From plain data.

        Raises:
            PhysrepError: an unknown step or instrument, or options that it does not take.
        """
        plain = tuple(pair for entry in spec for pair in _written_out(entry))
        return cls(tuple(build(name, STEPS, "step", options, {}) for name, options in plain), plain, seed, split)

    def request(self) -> dict[str, Any]:
        """What determines the result besides the files, for the key of a cache."""
        return {"version": VERSION, "steps": [list(pair) for pair in self.plain], "seed": self.seed}

    def scene(self, scene: Scene) -> Scene:
        """What trajectories are after all steps."""
        for step in self.steps:
            scene = step.scene(scene)
        return scene

    def frames(self, frames: int) -> int:
        """Frames that are left of a trajectory."""
        for step in self.steps:
            frames = step.frames(frames)
        return frames

    def apply(self, fields: np.ndarray, scene: Scene, file: str, trajectory: int) -> np.ndarray:
        """Observe a trajectory ``(C, T, *S)``, float32; the result is that of `scene` and `frames`.

        Args:
            fields: may be overwritten.
            scene: what they are.
            file, trajectory: name of the file, and place in it; the random numbers follow from them.
        """
        for number, step in enumerate(self.steps):
            draws = Draws(self.seed, self.split, file, trajectory, number)
            after = step.scene(scene)  # says what does not suit, before anything is computed
            fields, scene = step.apply(fields, scene, draws), after
        return np.ascontiguousarray(fields, dtype=np.float32)


def _written_out(entry: Mapping[str, Any] | str) -> list[tuple[str, dict[str, Any]]]:
    """Steps of an entry: itself, or those of the instrument that it names."""
    named = {entry: {}} if isinstance(entry, str) else entry
    if not isinstance(named, Mapping) or len(named) != 1:
        raise PhysrepError(
            f"observation: {entry!r} is no step; write one name with its options, e.g. noise: {{level: 0.05}}."
        )
    (name, given), *_ = named.items()
    if name not in STEPS and name not in COMBINATIONS:
        raise PhysrepError(f"observation: there is no step {name!r}; {nearest(str(name), [*STEPS, *COMBINATIONS])}")
    options = _options(name, given)
    if name in COMBINATIONS:
        return [pair for part in build(name, COMBINATIONS, "instrument", options, {}) for pair in _written_out(part)]
    return [(name, options)]


SHORT = {"fields": "names", "noise": "level", "blur": "sigma", "gain": "factor", "offset": "size", "coarsen": "factor",
         "frame_step": "step", "quantise": "bits", "crop": "window", "mask": "pixels"}  # fmt: skip
"""The option that a value without a name is: ``noise: 0.05`` is ``noise: {level: 0.05}``."""


def _options(name: str, given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    mapping = isinstance(given, Mapping)
    if name == "crop" and mapping and set(given) != {"window"}:
        return {"window": dict(given)}
    if mapping:
        return dict(given)
    if name not in SHORT:
        raise PhysrepError(f"observation: {name}: {given!r} is no set of options; write {name}: {{option: value}}.")
    return {SHORT[name]: given}


__all__ = ["COMBINATIONS", "STEPS", "Draws", "Observation", "Scene", "Spec", "Step"]

"""What to simulate; `physrep.simulation.request` checks it against the system."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from ..ranges import SEEDS, setting
from ..renamed import takes_former_names

MARK = "simulation.json"
"""File in a simulated data set that holds its request."""


@takes_former_names
@dataclass
class SimulationConfig:
    """What to simulate.

    Attributes:
        trajectories: number of trajectories, over all splits.
        resolution: grid points per axis; default of the system if absent.
        frames: stored frames per trajectory; default of the system if absent.
        save_dt: time between stored frames; default of the system if absent.
        seed: fixes parameters, initial conditions and splits.
        test_seed: draws parameters and initial conditions of the test trajectories instead of ``seed``: a fresh test
            for the same train and valid; must differ from ``seed``.
        replicates: training trajectories in groups of so many have equal parameters and other initial conditions, for
            learners with ``target: replicate``; valid and test are the same for every value.
        initial_condition: family of initial conditions; default of the system if absent.
        options: switches of the system ``{name: value}``, e.g. how a closure is made; defaults of the system.
        ranges: parameter ranges ``{name: [low, high]}`` inside what the grid resolves; default all of that.
        splits: fractions of train, valid and test.
        per_file: trajectories per file, the unit of work of a process (on a GPU, the size of a batch).
        precision: float32 or float64 arithmetic (files are float32).
        allow_underresolved: simulate outside the resolved range all the same, and record it in the files.
        matched_to: folder of a simulated data set to make the matched partner of (system heat): the same initial
            fields in the same files, another equation.
    """

    trajectories: int = setting(100, at_least=1, at_most=10**8)
    resolution: list[int] | None = setting(None, filled=True, at_least=1, at_most=10**6)
    frames: int | None = setting(None, at_least=1, at_most=10**7)
    save_dt: float | None = setting(None, above=0, at_most=1e12)
    seed: int = setting(0, at_least=0, at_most=SEEDS)
    test_seed: int | None = setting(None, at_least=0, at_most=SEEDS)
    replicates: int = setting(1, at_least=1, at_most=10**6)
    initial_condition: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    ranges: dict[str, list[float]] = setting(factory=dict, at_least=-1e30, at_most=1e30)
    splits: list[float] = setting(factory=lambda: [0.8, 0.1, 0.1], length=3, at_least=0, at_most=1)
    per_file: int = setting(16, at_least=1, at_most=10**6)
    precision: Literal["float32", "float64"] = setting("float32", choices=("float32", "float64"))
    allow_underresolved: bool = False
    matched_to: str | None = None

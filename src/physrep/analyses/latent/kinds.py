"""The kind of physics, named from one trajectory in embedding space: no labels, no equation, no other simulation.

The trajectory is projected on its own leading principal components, and linear dynamics of first and second order are
fitted to it. Three numbers without unit or direction say what kind of motion it is:

- *turn*: the smallest cosine between the first step and any later one, in 4 components. A relaxation along real,
  decaying modes keeps much of its direction; what travels, swings or grows elsewhere turns by a right angle or more.
- *decay*: e-foldings over the trajectory, ``T sum_j w_j (-log |λ_j|)``, of the first-order operator in 2 components;
  mode j weighs by the mean square w_j of its steps. Transport by a constant velocity only turns (|λ| = 1).
- *second-order gain*: squared one-step error of first order minus that of second order, in 6 components, per squared
  error of persistence, both corrected for their numbers of weights. A standing wave swings along one direction, so its
  present place does not say where it goes: it needs the place before. The state of a transport or a relaxation is its
  place.

A turn that stays clear of a right angle, above `TURN`, is **diffusive**; else less than one e-folding **advective**;
else a gain above `GAIN` **wave-like**; what turns and settles without need of a second order is **reacting**: new
structure, not an old one that fades, moves or swings.

The three thresholds are round numbers, set on pixels of other simulations of the same equations, never on an
embedding; so the rule uses no label of what it is scored on, but it is not innocent of the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .dynamics import fit_operator, pairs

KINDS = ("diffusive", "advective", "wave-like", "reacting")

KIND_OF = {
    "heat": "diffusive",
    "heat_fixed_edges": "diffusive",
    "heat_ftcs": "diffusive",
    "advection_diffusion": "advective",
    "damped_wave": "wave-like",
    "gray_scott": "reacting",
}
"""What each system is, to score against."""

TURN, FOLDS, GAIN = 0.2, 1.0, 0.01
"""A cosine a little above that of a right angle; one e-folding; a hundredth of the error of persistence."""

TURN_COMPONENTS, DECAY_COMPONENTS, GAIN_COMPONENTS = 4, 2, 6

SHORTEST = 2 * GAIN_COMPONENTS + 4
"""Times that the second-order fit needs."""


@dataclass(frozen=True)
class Signature:
    """The three numbers of the module's docstring."""

    turn: float
    decay: float
    gain: float

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        if self.turn > TURN:
            return "diffusive"
        if self.decay < FOLDS:
            return "advective"
        return "wave-like" if self.gain > GAIN else "reacting"


def signature(trajectory: np.ndarray) -> Signature:
    """Of one trajectory ``(t, D)`` with evenly spaced times, at least `SHORTEST`."""
    x = np.asarray(trajectory, np.float64)
    u, s, _ = np.linalg.svd(x - x.mean(0), full_matrices=False)
    z = u * s
    # Components of rounding error only would fit perfectly well.
    z = z[:, : max(1, int((s > 1e-6 * max(s[0], 1e-300)).sum()))]
    return Signature(_turn(z[:, :TURN_COMPONENTS]), _decay(z[:, :DECAY_COMPONENTS]), _gain(z[:, :GAIN_COMPONENTS]))


def _turn(z: np.ndarray) -> float:
    steps = np.diff(z, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    # A step of no length has no direction.
    moving = lengths > 1e-3 * lengths.max()
    if not moving.any():
        return 1.0
    first = int(np.flatnonzero(moving)[0])
    return float((steps[moving] @ steps[first] / (lengths[moving] * lengths[first])).min())


def _decay(z: np.ndarray) -> float:
    operator = fit_operator(z[None], 1)
    values, vectors = np.linalg.eig(operator.companion)
    steps = np.linalg.lstsq(vectors, np.diff(z, axis=0).T.astype(complex), rcond=None)[0]
    weight = np.square(np.abs(steps)).mean(1)
    rate = -np.log(np.clip(np.abs(values), 1e-3, 2.0))
    return float(len(z) * (weight * rate).sum() / max(weight.sum(), 1e-300))


def _gain(z: np.ndarray) -> float:
    k = z.shape[1]
    errors = []
    for order in (1, 2):
        inputs, targets = pairs(z[None], order)
        residual = inputs @ fit_operator(z[None], order).weights - targets
        n = len(targets)
        errors.append(np.square(residual).sum() * n / max(1, n - order * k - 1))
    still = np.square(z[2:] - z[1:-1]).sum()
    return float((errors[0] - errors[1]) / max(still, 1e-300))

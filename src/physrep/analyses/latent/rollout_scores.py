"""How good predictions of latent trajectories are, fairly and as published.

Published scores are cosines of embeddings with their mean left in; an embedding whose mean is large has a cosine near
1 with anything. So fairer scores stand beside them: the cosine of deviations from the mean trajectory of the training
simulations, and 1 - SSE/SSE₀ with SSE₀ that of persistence (nothing moves) and of that mean trajectory (every
simulation does the same). The skill is the same against the better of the two at every step: an embedding that hardly
moves is no success of its dynamics.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .dynamics import START, LinearOperator


@dataclass
class Scores:
    """Sums of every test simulation ``(n, t - 2)`` over components, or cosines ``(n, t - 2)``.

    Attributes:
        error, step_error: squared error of the rollout and of one-step predictions.
        still, step_still: the same of persistence from the last given time, and from the time before.
        common: squared error of the mean trajectory.
        cosine, centred, still_cosine: of the rollout, plain and of deviations; plain, of persistence.
    """

    error: np.ndarray
    step_error: np.ndarray
    still: np.ndarray
    step_still: np.ndarray
    common: np.ndarray
    cosine: np.ndarray
    centred: np.ndarray
    still_cosine: np.ndarray

    @property
    def best(self) -> np.ndarray:
        """Per step the better baseline of all simulations, ``(n, t - 2)``."""
        return np.where(self.still.sum(0) < self.common.sum(0), self.still, self.common)

    @property
    def step_best(self) -> np.ndarray:
        """The same for one-step predictions."""
        return np.where(self.step_still.sum(0) < self.common.sum(0), self.step_still, self.common)


def rollout_scores(operator: LinearOperator, z: np.ndarray, common: np.ndarray, back: np.ndarray) -> Scores:
    """Score an operator on test trajectories.

    Args:
        operator: fitted on training trajectories.
        z: test trajectories ``(n, t, k)``.
        common: mean trajectory of training ``(t, k)``.
        back: the mean that was subtracted from the embeddings, in the same components ``(k,)``.
    """
    target, still = z[:, START:], np.broadcast_to(z[:, START - 1 : START], z[:, START:].shape)
    predicted, step, mean = operator.rollout(z), operator.step(z), common[START:]

    def squares(a: np.ndarray) -> np.ndarray:
        return np.square(a).sum(-1)

    return Scores(
        error=squares(predicted - target),
        step_error=squares(step - target),
        still=squares(still - target),
        step_still=squares(z[:, START - 1 : -1] - target),
        common=squares(mean - target),
        cosine=_cosine(predicted + back, target + back),
        centred=_cosine(predicted - mean, target - mean),
        still_cosine=_cosine(still + back, target + back),
    )


def joined_folds(parts: list[Scores]) -> Scores:
    """The test simulations of all folds, one after another."""
    return Scores(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Scores)})


def _cosine(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return (a * b).sum(-1) / np.maximum(lengths, 1e-12)

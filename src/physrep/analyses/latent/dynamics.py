"""Linear dynamics of latent trajectories: z_{t+1} = A z_t + b (order 1) or A z_t + B z_{t-1} + b (order 2).

This is the Koopman analysis of the published study: a nonlinear system may evolve linearly in suitable observables
(Koopman, "Hamiltonian systems and transformation in Hilbert space", 1931), and the embedding is the set of observables
that is put to the test. Eigenvalues λ of the operator say what its modes do between two times: |λ| is the factor of
their decay, arg λ the angle by which they turn. Those of order 2 are the eigenvalues of the companion matrix
``[[A, B], [1, 0]]``, the operator on (z_t, z_{t-1}).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

START = 2
"""Times that are given before anything is predicted: both orders are scored on the same targets."""


@dataclass
class LinearOperator:
    """A fitted operator.

    Attributes:
        weights: ``(order k + 1, k)``: rows of A, of B, and the offset.
        order: 1 or 2.
    """

    weights: np.ndarray
    order: int

    @property
    def companion(self) -> np.ndarray:
        """The operator on the whole state, ``(order k, order k)``, acting on columns."""
        k = self.weights.shape[1]
        step = np.zeros((self.order * k, self.order * k))
        step[:k] = self.weights[:-1].T
        if self.order == 2:
            step[k:, :k] = np.eye(k)
        return step

    @property
    def eigenvalues(self) -> np.ndarray:
        """Complex, by falling magnitude."""
        found = np.linalg.eigvals(self.companion)
        return found[np.argsort(-np.abs(found), kind="stable")]

    def step(self, z: np.ndarray) -> np.ndarray:
        """One-step predictions ``(n, t - 2, k)`` of the times 2, 3, ... from the true ones before them."""
        inputs, _ = pairs(z, self.order)
        return (inputs @ self.weights).reshape(len(z), -1, z.shape[-1])

    def rollout(self, z: np.ndarray) -> np.ndarray:
        """Predictions ``(n, t - 2, k)`` of the times 2, 3, ... from times 0 and 1 alone."""
        before, now, out = z[:, 0], z[:, 1], []
        one = np.ones((len(z), 1))
        for _ in range(z.shape[1] - START):
            state = [now, before, one] if self.order == 2 else [now, one]
            # An unstable operator must not end in infinities, of which no score can be made.
            following = np.clip(np.concatenate(state, -1) @ self.weights, -1e100, 1e100)
            before, now = now, following
            out.append(following)
        return np.stack(out, 1)


def pairs(z: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs ``(n (t - 2), order k + 1)`` and targets ``(n (t - 2), k)``, the times that have two predecessors."""
    steps = z.shape[1]
    parts = [z[:, 1 - lag : steps - 1 - lag] for lag in range(order)]
    inputs = np.concatenate([*parts, np.ones((*parts[0].shape[:2], 1))], -1)
    return inputs.reshape(-1, inputs.shape[-1]), z[:, START:].reshape(-1, z.shape[-1])


def fit_operator(z: np.ndarray, order: int) -> LinearOperator:
    """Least squares over trajectories ``(n, t, k)``."""
    inputs, targets = pairs(z, order)
    return LinearOperator(np.linalg.lstsq(inputs, targets, rcond=1e-9)[0], order)


def shuffled_time(z: np.ndarray, seed: int) -> np.ndarray:
    """Control: the times of every trajectory in a random order of its own."""
    generator = np.random.default_rng(seed)
    return np.stack([own[generator.permutation(len(own))] for own in z])


def dmd_eigenvalues(z: np.ndarray, order: int) -> np.ndarray:
    """The same eigenvalues by an independent implementation, exact DMD of the PyDMD library, by falling magnitude.

    Snapshots are the states (z_t, z_{t-1}, 1): the constant carries the offset and adds one eigenvalue 1, which is
    removed again. Source: Demo, Tezzele, Rozza, "PyDMD: Python Dynamic Mode Decomposition", 2018.
    """
    import warnings

    from pydmd import DMD

    inputs, targets = pairs(z, order)
    k = z.shape[-1]
    after = [targets] if order == 1 else [targets, inputs[:, :k]]
    outputs = np.concatenate([*after, np.ones((len(targets), 1))], -1)
    model = DMD(svd_rank=inputs.shape[1], exact=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(inputs.T, outputs.T)
    found = np.asarray(model.eigs)
    found = np.delete(found, np.abs(found - 1).argmin())
    return found[np.argsort(-np.abs(found), kind="stable")]


def spectral_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest distance between eigenvalues after the best one-to-one assignment."""
    from scipy.optimize import linear_sum_assignment

    distance = np.abs(a[:, None] - b[None])
    return float(distance[linear_sum_assignment(distance)].max())

"""Linear dynamics in embedding space, scored so that a common mean cannot flatter them.

Embeddings are projected on the 32 leading principal components of the training frames. First order: z_{t+1} = A z_t;
second order: z_{t+1} = A z_t + B z_{t-1}, both by least squares with an offset. Rollouts start from the first two
frames (the first-order one uses the second of them only), so both are scored on the same frames.

Published scores are cosines of embeddings with their mean left in; an embedding whose mean is large has a cosine near
1 with anything. So three fairer scores stand beside them: the cosine of deviations from the mean trajectory of the
training simulations, and 1 - SSE/SSE₀ with SSE₀ that of persistence (nothing moves) and of that mean trajectory
(every simulation does the same). The skill is the same against the better of the two at every step: an embedding that
hardly moves is no success of its dynamics.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def principal(frames: np.ndarray, components: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``(D,)`` and axes ``(D, k)`` of the principal components of frames ``(n, t, D)``."""
    from sklearn.utils.extmath import randomized_svd

    flat = np.asarray(frames, np.float64).reshape(-1, frames.shape[-1])
    mean = flat.mean(0)
    k = min(components, *flat.shape)
    # Its annotations call integers strings.
    iterations: Any = 4
    return mean, randomized_svd(flat - mean, k, n_iter=iterations, random_state=seed)[2].T


def fit_dynamics(z: np.ndarray, order: int) -> np.ndarray:
    """Weights ``(order k + 1, k)`` of (z_t, ..., z_{t-order+1}, 1) by least squares over ``(n, t, k)``."""
    inputs, targets = _pairs(z, order)
    return np.linalg.lstsq(inputs, targets, rcond=1e-8)[0]


def _pairs(z: np.ndarray, order: int) -> tuple[np.ndarray, np.ndarray]:
    steps = z.shape[1]
    # Both orders learn from the same targets, those that have two predecessors.
    parts = [z[:, 2 - 1 - lag : steps - 1 - lag] for lag in range(order)]
    inputs = np.concatenate([*parts, np.ones((*parts[0].shape[:2], 1))], -1)
    return inputs.reshape(-1, inputs.shape[-1]), z[:, 2:].reshape(-1, z.shape[-1])


def rollout(z: np.ndarray, weights: np.ndarray, order: int) -> np.ndarray:
    """Predictions ``(n, t - 2, k)`` of frames 2, 3, ... from frames 0 and 1 alone."""
    before, now, out = z[:, 0], z[:, 1], []
    one = np.ones((len(z), 1))
    for _ in range(z.shape[1] - 2):
        following = np.concatenate([now, before, one] if order == 2 else [now, one], -1) @ weights
        before, now = now, following
        out.append(following)
    return np.stack(out, 1)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    return float(np.mean((a * b).sum(-1) / np.maximum(lengths, 1e-12)))


def koopman(
    frames: np.ndarray, train: np.ndarray, test: np.ndarray, components: int = 32, shuffle_time: int | None = None
) -> dict[str, Any]:
    """Scores of first- and second-order latent dynamics on the test simulations.

    Args:
        frames: embeddings with shape ``(S, t, D)``.
        train, test: rows.
        components: principal components.
        shuffle_time: control: the frames of every training simulation in random order, with this seed.
    """
    frames = np.asarray(frames, np.float64)
    mean, axes = principal(frames[train], components)
    z_train, z_test = (frames[train] - mean) @ axes, (frames[test] - mean) @ axes
    trajectory = z_train.mean(0)
    if shuffle_time is not None:
        generator = np.random.default_rng(shuffle_time)
        z_train = np.stack([z[generator.permutation(len(z))] for z in z_train])
    back = mean @ axes
    scores: dict[str, Any] = {}
    target = z_test[:, 2:]
    still, common = z_test[:, 1:2], trajectory[2:]
    error_still = np.square(target - still).sum((0, 2))
    error_common = np.square(target - common).sum((0, 2))
    for order in (1, 2):
        weights = fit_dynamics(z_train, order)
        inputs, following = _pairs(z_test, order)
        one_step = np.square(inputs @ weights - following).sum()
        held = np.square(z_test[:, 1:-1] - target).sum()
        k = axes.shape[1]
        step = np.zeros((order * k, order * k))
        step[:, :k] = weights[:-1]
        if order == 2:
            step[:k, k:] = np.eye(k)
        predicted = rollout(z_test, weights, order)
        error = np.square(predicted - target).sum((0, 2))
        scores[f"order {order}"] = {
            "spectral_radius": float(np.abs(np.linalg.eigvals(step)).max()),
            "one_step_r2_persistence": float(1 - one_step / held),
            "rollout_cosine": _cosine(predicted + back, target + back),
            "rollout_centred_cosine": _cosine(predicted - common, target - common),
            "rollout_r2_persistence": float(1 - error.sum() / error_still.sum()),
            "rollout_r2_mean_trajectory": float(1 - error.sum() / error_common.sum()),
            "skill": float(1 - error.sum() / np.minimum(error_still, error_common).sum()),
            "curve": (1 - error / np.maximum(np.minimum(error_still, error_common), 1e-300)).tolist(),
        }
    scores["persistence_cosine"] = _cosine(np.broadcast_to(still, target.shape) + back, target + back)
    return scores


def spatial_head(
    grid: np.ndarray, alpha: np.ndarray, train: np.ndarray, test: np.ndarray, channels: int = 64, seed: int = 0
) -> dict[str, float]:
    """x_{t+1} = x_t + a K x_t with one 3 x 3 kernel K per channel, in closed form; a = α, shuffled α, or 1.

    The published head was trained by 180 epochs of Adam; least squares gives its optimum in one step. Periodic edges.

    Args:
        grid: spatial tokens ``(S, t, h, w, D)``.
        alpha: parameter per simulation, scaled to mean 1.
        train, test: rows.
        channels: the first so many channels.
        seed: of the shuffle.

    Returns:
        Per conditioning, 1 - SSE / SSE of persistence on test.
    """
    alpha = np.asarray(alpha, np.float64) / np.mean(alpha)
    shuffled = alpha[np.random.default_rng(seed).permutation(len(alpha))]
    width = min(channels, grid.shape[-1])
    kinds = {"real": alpha, "shuffled": shuffled, "none": np.ones_like(alpha)}
    normal = {kind: (np.zeros((width, 9, 9)), np.zeros((width, 9))) for kind in kinds}
    for row in train:
        shifted, change = _neighbours(grid[row, ..., :width])
        gram = np.einsum("ktc,ltc->ckl", shifted, shifted, optimize=True)
        moment = np.einsum("ktc,tc->ck", shifted, change, optimize=True)
        for kind, a in kinds.items():
            normal[kind][0][:] += a[row] ** 2 * gram
            normal[kind][1][:] += a[row] * moment
    kernels = {}
    for kind, (gram, moment) in normal.items():
        ridge = 1e-6 * np.trace(gram, axis1=1, axis2=2)[:, None, None] / 9 * np.eye(9) + 1e-12 * np.eye(9)
        kernels[kind] = np.linalg.solve(gram + ridge, moment[..., None])[..., 0]
    errors, still = dict.fromkeys(kinds, 0.0), 0.0
    for row in test:
        shifted, change = _neighbours(grid[row, ..., :width])
        still += float(np.square(change).sum())
        for kind, a in kinds.items():
            predicted = a[row] * np.einsum("ktc,ck->tc", shifted, kernels[kind], optimize=True)
            errors[kind] += float(np.square(change - predicted).sum())
    return {kind: 1 - error / still for kind, error in errors.items()}


def _neighbours(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The nine neighbours ``(9, n, C)`` of all tokens but the last frame's, and the change to the next ``(n, C)``."""
    x = np.asarray(tokens, np.float64)
    now = x[:-1]
    parts = [np.roll(now, (i, j), (1, 2)).reshape(-1, x.shape[-1]) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return np.stack(parts), (x[1:] - now).reshape(-1, x.shape[-1])

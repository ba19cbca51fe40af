"""Does a parameter help to predict the next spatial tokens? One depthwise 3 x 3 operator, as published and repaired.

As published: x_{t+1} = x_t + a K x_t with one kernel K per channel, a = α, a shuffled α, or 1, on the first 64 channels
as they are. Channels of large variance then decide alone, constant codes of position drown what moves, and one number a
scales all of K, right for explicit diffusion of α and for hardly an embedding. Repairs, each added to the one before:
tokens without their mean at each position and with unit variance per channel; a kernel that depends on the parameter,
K(a) = K_0 + a K_1 + a² K_2 with an offset; all channels.

The published head was trained by 180 epochs of Adam. Everything here is linear in its weights, so least squares gives
the optimum, and the sums ``G = XᵀX`` and ``m = Xᵀy`` of each simulation give every fit and every test error. Edges
are periodic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CONDITIONS = ("real", "shuffled", "none")


@dataclass(frozen=True)
class Variant:
    """One form of the head.

    Attributes:
        channels: the first so many, None: all.
        standardise: subtract the mean at each position, divide by the deviation of each channel.
        kernel: K depends on the parameter; else the parameter scales it.
    """

    channels: int | None = 64
    standardise: bool = False
    kernel: bool = False


VARIANTS = {
    "as published": Variant(),
    "standardised": Variant(standardise=True),
    "kernel of α": Variant(standardise=True, kernel=True),
    "all channels": Variant(channels=None, standardise=True, kernel=True),
}
"""By name, each with one repair more."""

REGRESSORS = 10
"""Nine neighbours and the offset."""


@dataclass
class Sums:
    """Per simulation and channel: ``gram (S, C, 10, 10)``, ``moment (S, C, 10)``, squared change ``(S, C)``."""

    gram: np.ndarray
    moment: np.ndarray
    change: np.ndarray


def token_sums(grid: np.ndarray, train: np.ndarray, standardise: bool, channels: int | None = None) -> Sums:
    """The sums of all simulations, standardised by those of training or as they are (then training does not matter).

    Args:
        grid: spatial tokens ``(S, t, h, w, D)``.
        train: rows of training.
        standardise: as in `Variant`.
        channels: the first so many, None: all.
    """
    width = min(channels or grid.shape[-1], grid.shape[-1])
    centre, scale = np.zeros((1, 1, width)), np.ones(width)
    if standardise:
        total, square, count = np.zeros((*grid.shape[2:4], width)), np.zeros(width), 0
        for row in train:
            x = np.asarray(grid[row, ..., :width], np.float64)
            total, count = total + x.sum(0), count + len(x)
        centre = total / count
        for row in train:
            square += np.square(np.asarray(grid[row, ..., :width], np.float64) - centre).mean((0, 1, 2))
        scale = np.sqrt(square / len(train))
        # A channel that never varies stays at zero.
        scale = np.where(scale > 1e-6 * max(float(scale.max()), 1e-300), scale, np.inf)
    count = len(grid)
    sums = Sums(
        np.zeros((count, width, REGRESSORS, REGRESSORS)), np.zeros((count, width, REGRESSORS)), np.zeros((count, width))
    )
    for row in range(count):
        x = (np.asarray(grid[row, ..., :width], np.float64) - centre) / scale
        inputs, change = neighbours(x)
        # (C, 10, n) times (C, n, 10): one product per channel.
        sums.gram[row] = inputs @ inputs.transpose(0, 2, 1)
        sums.moment[row] = (inputs @ change[..., None])[..., 0]
        sums.change[row] = np.square(change).sum(1)
    return sums


def neighbours(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of tokens ``(t, h, w, C)``, all but the last time: neighbours and 1 ``(C, 10, n)``, and the change ``(C, n)``."""
    now = x[:-1]
    parts = [np.roll(now, (i, j), (1, 2)).reshape(-1, x.shape[-1]).T for i in (-1, 0, 1) for j in (-1, 0, 1)]
    inputs = np.stack([*parts, np.ones_like(parts[0])], 1)
    return inputs, (x[1:] - now).reshape(-1, x.shape[-1]).T


def head_errors(
    sums: Sums, parameter: np.ndarray, train: np.ndarray, test: np.ndarray, variant: Variant, seed: int = 0
) -> dict[str, np.ndarray]:
    """Squared one-step error of every test simulation, per condition, and of persistence under ``still``.

    Args:
        sums: of all simulations, standardised as the variant asks; more channels than it has are left out.
        parameter: per simulation; a positive one that scales the kernel is divided by its mean of training.
        train, test: rows.
        variant: the form of the head.
        seed: of the shuffle.
    """
    width = min(variant.channels or sums.change.shape[1], sums.change.shape[1])
    sums = Sums(sums.gram[:, :width], sums.moment[:, :width], sums.change[:, :width])
    shuffled = parameter[np.random.default_rng(seed).permutation(len(parameter))]
    given = {"real": parameter, "shuffled": shuffled, "none": np.ones_like(parameter)}
    found = {"still": sums.change[test].sum(1)}
    for condition, a in given.items():
        basis = _basis(a, train, variant, condition == "none")
        weights = _fit(sums, basis, train, variant)
        found[condition] = _errors(sums, basis, weights, test, variant)
    return found


def _basis(a: np.ndarray, train: np.ndarray, variant: Variant, none: bool) -> np.ndarray:
    """Factors of the kernels, ``(S, q)``."""
    if none:
        return np.ones((len(a), 1))
    if not variant.kernel:
        return (a / a[train].mean())[:, None]
    a = (a - a[train].mean()) / max(float(a[train].std()), 1e-12)
    return np.stack([np.ones_like(a), a, a**2], 1)


def _used(variant: Variant) -> slice:
    """The published head has no offset."""
    return slice(None) if variant.kernel else slice(REGRESSORS - 1)


def _fit(sums: Sums, basis: np.ndarray, train: np.ndarray, variant: Variant) -> np.ndarray:
    """Kernels ``(C, q, r)``."""
    used, q = _used(variant), basis.shape[1]
    gram, moment = sums.gram[train][:, :, used, used], sums.moment[train][:, :, used]
    b, r = basis[train], moment.shape[-1]
    whole = np.einsum("sa,sb,scij->caibj", b, b, gram, optimize=True).reshape(-1, q * r, q * r)
    right = np.einsum("sa,sci->cai", b, moment, optimize=True).reshape(-1, q * r)
    # Neighbours of smooth tokens are nearly alike: a penalty far below the noise keeps the solution finite.
    small = 1e-7 * np.trace(whole, axis1=1, axis2=2)[:, None, None] / (q * r) + 1e-12
    weights = np.linalg.solve(whole + small * np.eye(q * r), right[..., None])[..., 0]
    return weights.reshape(-1, q, r)


def _errors(sums: Sums, basis: np.ndarray, weights: np.ndarray, test: np.ndarray, variant: Variant) -> np.ndarray:
    """|y - Xw|² = |y|² - 2 w m + w G w, summed over channels."""
    used = _used(variant)
    w = np.einsum("sa,cai->sci", basis[test], weights)
    moment, gram = sums.moment[test][:, :, used], sums.gram[test][:, :, used, used]
    quadratic = np.einsum("sci,scij,scj->s", w, gram, w, optimize=True)
    return sums.change[test].sum(1) - 2 * np.einsum("sci,sci->s", w, moment) + quadratic

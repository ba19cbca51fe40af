"""How alike two representations of the same samples are, whatever their dimensions."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from ..errors import PhysrepError


def linear_cka(first: Tensor, second: Tensor) -> float:
    r"""Linear centred kernel alignment with the unbiased estimator of the covariances.

        CKA = H(K, L) / (H(K, K) H(L, L))^½,    K = X Xᵀ,  L = Y Yᵀ, both with their diagonal set to 0,
        H(K, L) = [tr KL + (1ᵀK1)(1ᵀL1) / ((n-1)(n-2)) - 2 (1ᵀK L1) / (n-2)] / (n (n-3))

    1 for a copy that is rotated, shifted or scaled as a whole. Independent representations give 0 on average, whatever
    n and the dimensions, where the plain estimator gives values towards 1 once the dimensions reach n; single values
    may therefore be a little below 0. Samples must be independent of one another for "unbiased" to hold.

    Sources: Kornblith, Norouzi, Lee, Hinton, Similarity of Neural Network Representations Revisited (ICML 2019); Song,
    Smola, Gretton, Bedo, Borgwardt, Feature selection via dependence maximization (JMLR 2012), for H.

    Args:
        first, second: representations of the same n ≥ 4 samples, ``(n, D₁)`` and ``(n, D₂)``.

    Returns:
        The similarity; NaN if one of them does not vary.

    Raises:
        PhysrepError: not the same samples, or fewer than 4.
    """
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or len(first) < 4:
        raise PhysrepError(
            f"CKA compares representations (samples, features) of the same 4 or more samples, not "
            f"{tuple(first.shape)} and {tuple(second.shape)}."
        )
    kernels = [_kernel(rows) for rows in (first, second)]
    cross, one, two = (_unbiased(a, b) for a, b in ((kernels[0], kernels[1]), (kernels[0],) * 2, (kernels[1],) * 2))
    return cross / math.sqrt(one * two) if one > 0 and two > 0 else math.nan


def _kernel(rows: Tensor) -> Tensor:
    # The estimator does not depend on the origin; centring first keeps its rounding small, and so does the scale.
    centred = rows.double() - rows.double().mean(0)
    scale = centred.square().sum(1).mean().sqrt()
    if not scale > 1e-12 * rows.double().abs().max():
        return torch.zeros(len(rows), len(rows), dtype=torch.float64)
    kernel = centred @ centred.T / scale.square()
    return kernel.fill_diagonal_(0.0)


def _unbiased(k: Tensor, m: Tensor) -> float:
    n = len(k)
    rows_k, rows_m = k.sum(1), m.sum(1)
    total = (k * m).sum() + rows_k.sum() * rows_m.sum() / ((n - 1) * (n - 2)) - 2 * (rows_k @ rows_m) / (n - 2)
    return float(total) / (n * (n - 3))

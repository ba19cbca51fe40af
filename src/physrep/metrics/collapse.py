"""Is a representation collapsed? Three measures of how many directions a set of tokens really uses.

All take tokens with shape ``(..., D)``; every leading axis counts as samples. They work in float64 on the Gram matrix
of the channels (of the samples where these are fewer), so they cost one product of matrices, and the effective rank one
symmetric eigenproblem of size D.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import PhysrepError


def _rows(tokens: Tensor) -> Tensor:
    rows = tokens.detach().to(torch.float64).reshape(-1, tokens.shape[-1])
    if len(rows) == 0 or not torch.isfinite(rows).all():
        raise PhysrepError(f"tokens {tuple(tokens.shape)} are empty or hold NaN; collapse cannot be measured on them.")
    return rows


def channel_std(tokens: Tensor) -> Tensor:
    """Standard deviation of each channel over all samples (division by N), with shape ``(D,)``; 0 means collapsed."""
    return _rows(tokens).std(dim=0, correction=0)


def effective_rank(tokens: Tensor) -> float:
    """RankMe: ``exp(-sum_k p_k ln p_k)`` with ``p_k = s_k / sum s`` and ``s`` the singular values of the token matrix.

    Source: Garrido et al., RankMe (ICML 2023), after Roy and Vetterli (2007). The matrix is not centred, as published.

    Returns:
        A number between 1 (one direction) and D (all directions equally strong); 0 if all tokens are zero.
    """
    rows = _rows(tokens)
    singular = torch.linalg.eigvalsh(rows.T @ rows).clamp(min=0).sqrt()
    total = singular.sum()
    if total == 0:
        return 0.0
    share = singular / total
    return float(torch.exp(torch.special.entr(share).sum()))


def participation_ratio(tokens: Tensor) -> float:
    """``(sum_k l_k)^2 / sum_k l_k^2`` with ``l`` the eigenvalues of the channels' covariance matrix.

    Returns:
        A number between 1 and D; 0 if no channel varies, NaN if there is only one sample.
    """
    rows = _rows(tokens)
    if len(rows) < 2:
        return math.nan
    centred = rows - rows.mean(dim=0)
    # Both products have the same eigenvalues but for zeros.
    gram = centred.T @ centred if len(rows) >= rows.shape[1] else centred @ centred.T
    # What rounding leaves of constant channels is no variation.
    if gram.trace() <= 1e-24 * rows.square().sum():
        return 0.0
    return float(gram.trace() ** 2 / gram.square().sum())


@dataclass(frozen=True)
class Spread:
    """How tokens vary over samples.

    Attributes:
        participation: `participation_ratio` of the channels.
        constant: share of the channels that do not vary.
        channels: their number.
    """

    participation: float
    constant: float
    channels: int


def token_spread(tokens: Tensor) -> Spread:
    """Participation ratio and constant channels of tokens ``(..., D)``; every leading axis counts as samples.

    Raises:
        PhysrepError: they are empty or hold NaN.
    """
    stds = channel_std(tokens)
    largest = float(stds.max())
    constant = float((stds <= 1e-6 * largest).double().mean()) if largest > 0 else 1.0
    return Spread(participation_ratio(tokens), constant, tokens.shape[-1])


def collapse_in_words(found: Spread) -> list[str]:
    """What is wrong with the spread of learned tokens: fewer than two directions, or channels that do not vary."""
    said = []
    if found.participation < 2 < found.channels:
        said.append(
            f"collapse: the tokens vary along {found.participation:.1f} of {found.channels} directions "
            "(participation ratio)"
        )
    if found.constant > 0:
        said.append(
            f"collapse: {max(1, round(100 * found.constant))} % of the channels of the tokens do not vary over the "
            "test windows"
        )
    return said

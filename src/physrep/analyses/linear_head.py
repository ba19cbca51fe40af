"""Ridge regression on pooled tokens as a differentiable map from tokens to z-scored parameters."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor

from ..probes import RidgeProbe


class LinearHead:
    """``ŷ = W (m(tokens) - mean) / std + b`` with m the mean and standard deviation over the tokens of a window.

    The weights are those of `physrep.probes.RidgeProbe`; here gradients flow through to the tokens.
    """

    def fit(self, train: Tensor, labels: Tensor, valid: Tensor, labels_valid: Tensor) -> Self:
        """Fit on pooled tokens ``(windows, F)`` of train, penalty chosen on valid."""
        std, self.mean = torch.std_mean(train, dim=0, correction=0)
        self.std = torch.where(std > 1e-6 * self.mean.abs(), std, torch.inf)
        probe = RidgeProbe()
        probe.fit(self._scaled(train)[:, None], labels, self._scaled(valid)[:, None], labels_valid)
        # A linear map is known by what it does to zero and to the unit vectors.
        size = train.shape[1]
        self.offset = probe.predict(torch.zeros(1, 1, size))[0].double()
        self.weights = probe.predict(torch.eye(size)[:, None]).double() - self.offset
        return self

    def _scaled(self, moments: Tensor) -> Tensor:
        return (moments - self.mean) / self.std

    def __call__(self, tokens: Tensor) -> Tensor:
        """Z-scored parameters ``(B, P)`` of tokens ``(B, N, D)``, differentiable."""
        tokens = tokens.double()
        moments = tokens.mean(1)
        if tokens.shape[1] > 1:
            # Half the derivative of the root is infinite where all tokens are equal; the floor is far below any spread.
            moments = torch.cat([moments, (tokens.var(1, correction=0) + 1e-24).sqrt()], 1)
        return self._scaled(moments) @ self.weights + self.offset

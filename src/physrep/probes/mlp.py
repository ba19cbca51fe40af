"""A small multilayer perceptron on the moments of the tokens: several settings trained at once, chosen on valid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import PhysrepError
from ..progress import Progress
from .attentive_fit import _schedule
from .base import Probe, Tokens, check_pair
from .moments import StandardMoments
from .valid_grid import ValidGrid

LARGEST_LOG_VARIANCE = 10.0
"""Bounds of the Gaussian head's log variance, against overflow in the first steps."""


class MLPProbe(Probe):
    """One hidden layer on standardised `token_moments`: ``y = W₂ gelu(W₁ x + b₁) + b₂``.

    Like the attentive probe it trains one network per (learning rate, weight decay), all from the same weights on the
    same batches in one batched product, and keeps the one with the lowest mean squared error on valid after the last
    epoch. AdamW with decay on the matrices, linear warm-up, then cosine.

    With ``head="gaussian"`` the network has two outputs per parameter, mean and log variance, and minimises the
    β-weighted negative log-likelihood ``σ^2β [(y - μ)²/σ² + log σ²]/2`` with β = 1/2, the weight taken as a constant:
    the plain likelihood (β = 0) fits the mean least where the error is large. `predict_std` gives σ. The choice is then
    still by the squared error of the mean.

    Source of the weighting: Seitzer et al., On the Pitfalls of Heteroscedastic Uncertainty Estimation with
    Probabilistic Neural Networks (ICLR 2022), https://arxiv.org/abs/2203.09168.

    Args:
        learning_rates, weight_decays: the grid is their product.
        hidden: width of the hidden layer.
        epochs: passes over the training windows.
        batch_size: windows per step.
        warmup: share of all steps with rising learning rate.
        head: ``"point"`` or ``"gaussian"``.
        seed: seed of the initial weights and of the order of batches.

    Raises:
        PhysrepError: an empty grid, no epoch, or an unknown head.
    """

    def __init__(
        self,
        learning_rates: Sequence[float] = (1e-3, 3e-3),
        weight_decays: Sequence[float] = (0.01, 0.3, 1.0),
        hidden: int = 128,
        epochs: int = 60,
        batch_size: int = 64,
        warmup: float = 0.05,
        head: Literal["point", "gaussian"] = "point",
        seed: int = 0,
    ) -> None:
        self.grid = list(itertools.product(learning_rates, weight_decays))
        if not self.grid or min(epochs, batch_size, hidden) < 1:
            raise PhysrepError("the MLP probe needs at least one learning rate, weight decay, epoch, window and unit.")
        if head not in ("point", "gaussian"):
            raise PhysrepError(f"the MLP probe has no head {head!r}; use 'point' or 'gaussian'.")
        self.hidden, self.epochs, self.batch_size = hidden, epochs, batch_size
        self.warmup, self.head, self.seed = warmup, head, seed

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        self._features = StandardMoments().fit(tokens)
        x, x_valid = self._features(tokens).float(), self._features(tokens_valid).float()
        target, target_valid = labels.float(), labels_valid.float()
        self._outputs = target.shape[1]
        generator = torch.Generator().manual_seed(self.seed)
        weights = self._initial(x.shape[1], generator)
        optimiser = self._optimiser(weights)
        total, step = self.epochs * math.ceil(len(x) / self.batch_size), 0
        with Progress(self.epochs, f"MLP probe, {len(self.grid)} settings", "epochs") as progress:
            for _ in range(self.epochs):
                for rows in torch.randperm(len(x), generator=generator).split(self.batch_size):
                    # The sum over networks keeps each one's gradient that of its own loss.
                    loss = self._loss(weights, x[rows], target[rows]).sum()
                    optimiser.zero_grad()
                    loss.backward()
                    for group in optimiser.param_groups:
                        group["lr"] = group["peak"] * _schedule(step, total, self.warmup)
                    optimiser.step()
                    step += 1
                progress.advance()
        with torch.no_grad():
            mean = _forward(weights, x_valid)[..., : self._outputs]
            self.valid_grid_ = ValidGrid.of_all(mean, target_valid)
            errors = (mean - target_valid).double().square().mean(dim=(1, 2)).nan_to_num(nan=math.inf, posinf=math.inf)
        best = int(errors.argmin())
        if not math.isfinite(errors[best]):
            raise PhysrepError("every MLP probe diverged; use smaller learning rates.")
        # Each list holds one tensor per network; row `best` is kept.
        self._weights = [[tensors[best].detach()] for tensors in weights]
        rate, decay = self.grid[best]
        self.best_params_ = {
            "learning_rate": rate,
            "weight_decay": decay,
            "valid_mse": float(errors[best]),
            "grid": [
                {"learning_rate": r, "weight_decay": d, "valid_mse": float(error)}
                for (r, d), error in zip(self.grid, errors, strict=True)
            ],
        }
        return self

    def predict(self, tokens: Tokens) -> Tensor:
        return self._output(tokens)[:, : self._outputs]

    def predict_std(self, tokens: Tokens) -> Tensor:
        """Standard deviation σ of each z-scored parameter, with shape ``(windows, P)``.

        Raises:
            PhysrepError: the probe has no Gaussian head.
        """
        if self.head != "gaussian":
            raise PhysrepError("this MLP probe gives points only; build it with head='gaussian'.")
        return (_log_variance(self._output(tokens)[:, self._outputs :]) / 2).exp()

    @torch.no_grad()
    def _output(self, tokens: Tokens) -> Tensor:
        return _forward(self._weights, self._features(tokens).float())[0]

    def _initial(self, width: int, generator: torch.Generator) -> list[list[Tensor]]:
        """Matrix and bias of both layers; per entry one tensor for each network, all equal at first."""
        outputs = self._outputs * (2 if self.head == "gaussian" else 1)
        first = torch.randn(width, self.hidden, generator=generator) / math.sqrt(width)
        second = torch.randn(self.hidden, outputs, generator=generator) * 0.1 / math.sqrt(self.hidden)
        shapes = (first, torch.zeros(1, self.hidden), second, torch.zeros(1, outputs))
        return [[tensor.clone().requires_grad_() for _ in self.grid] for tensor in shapes]

    def _optimiser(self, weights: list[list[Tensor]]) -> torch.optim.AdamW:
        groups = []
        for k, (rate, decay) in enumerate(self.grid):
            groups.append({"params": [weights[0][k], weights[2][k]], "peak": rate, "weight_decay": decay})
            groups.append({"params": [weights[1][k], weights[3][k]], "peak": rate, "weight_decay": 0.0})
        return torch.optim.AdamW(groups, lr=1.0, fused=True)

    def _loss(self, weights: list[list[Tensor]], x: Tensor, target: Tensor) -> Tensor:
        output = _forward(weights, x)
        error = (output[..., : self._outputs] - target).square()
        if self.head == "point":
            return error.mean(dim=(1, 2))
        log_variance = _log_variance(output[..., self._outputs :])
        weight = (log_variance / 2).exp().detach()
        return (weight * (error * (-log_variance).exp() + log_variance) / 2).mean(dim=(1, 2))


def _log_variance(raw: Tensor) -> Tensor:
    return raw.clamp(-LARGEST_LOG_VARIANCE, LARGEST_LOG_VARIANCE)


def _forward(weights: list[list[Tensor]], x: Tensor) -> Tensor:
    """Outputs of all networks with shape ``(K, windows, outputs)``."""
    first, bias, second, offset = (torch.stack(tensors) for tensors in weights)
    hidden = F.gelu(torch.baddbmm(bias, x.expand(len(first), -1, -1), first))
    return torch.baddbmm(offset, hidden, second)

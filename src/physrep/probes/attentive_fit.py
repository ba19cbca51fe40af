"""Training of attentive probes on frozen tokens: several learning rates and weight decays at once, chosen on valid."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Self

import torch
from torch import Tensor

from ..errors import PhysrepError
from ..nn.attentive import AttentiveProbe, normalise_tokens, pooled_forward
from ..nn.pooled_attention import PooledPass
from ..progress import Progress
from .base import Probe, Tokens, batches, check_pair, check_tokens, take
from .valid_grid import ValidGrid


class AttentiveProbeFit(Probe):
    """Trains one `AttentiveProbe` per (learning rate, weight decay) on the same batches and keeps the best on valid.

    All pairs start from the same weights and see the same batches, so tokens are read once per step for all of them.
    AdamW (betas 0.9 and 0.999) with decay on weight matrices only; mean squared error of the z-scored parameters;
    linear warm-up, then cosine to 0, by step. The last, smaller batch of an epoch is used.

    The pair is chosen by the valid loss of the **final** weights, after the last epoch; there is no early stopping.
    ``best_params_`` also tells which epoch early stopping would have picked, and its valid loss, for every pair. The
    result depends on ``seed`` only: it is the same whether tokens are held in memory or read from a memory map.

    Args:
        learning_rates, weight_decays: the grid is their product.
        epochs: passes over the training windows.
        batch_size: windows per step.
        num_heads, mlp_ratio: see `AttentiveProbe`.
        warmup: share of all steps with rising learning rate.
        seed: seed of the initial weights and of the order of batches.
        memory_bytes: normalised float32 tokens of train and of valid are each kept in memory up to this size; larger
            ones are read batch by batch.
        device: where to train.
    """

    def __init__(
        self,
        learning_rates: Sequence[float] = (3e-4, 1e-3, 3e-3),
        weight_decays: Sequence[float] = (0.01, 0.3),
        epochs: int = 100,
        batch_size: int = 32,
        num_heads: int | None = None,
        mlp_ratio: float = 4.0,
        warmup: float = 0.05,
        seed: int = 0,
        memory_bytes: int = 2**30,
        device: str = "cpu",
    ) -> None:
        self.grid = list(itertools.product(learning_rates, weight_decays))
        if not self.grid or epochs < 1 or batch_size < 1:
            raise PhysrepError("the attentive probe needs at least one learning rate, weight decay, epoch and window.")
        self.epochs, self.batch_size = epochs, batch_size
        self.num_heads, self.mlp_ratio = num_heads, mlp_ratio
        self.warmup, self.seed = warmup, seed
        self.memory_bytes, self.device = memory_bytes, device

    def fit(self, tokens: Tokens, labels: Tensor, tokens_valid: Tokens, labels_valid: Tensor) -> Self:
        check_pair(tokens, labels, "train")
        check_pair(tokens_valid, labels_valid, "valid")
        generator = torch.Generator().manual_seed(self.seed)
        with torch.random.fork_rng(devices=[]):
            model = AttentiveProbe(tokens.shape[-1], labels.shape[1], self.num_heads, self.mlp_ratio)
        model.reset_parameters(generator)
        stack = _Stack(model, self.grid, self.device)
        source = _NormalisedTokens(tokens, self.memory_bytes, self.device)
        source_valid = _NormalisedTokens(tokens_valid, self.memory_bytes, self.device)
        target = labels.to(self.device, torch.float32)
        target_valid = labels_valid.to(self.device, torch.float32)

        total = self.epochs * math.ceil(len(tokens) / self.batch_size)
        step = 0
        history = []
        with Progress(self.epochs, f"attentive probe, {len(self.grid)} settings", "epochs") as progress:
            for _ in range(self.epochs):
                for rows in torch.randperm(len(tokens), generator=generator).split(self.batch_size):
                    stack.step(source[rows], target[rows], _schedule(step, total, self.warmup))
                    step += 1
                history.append(stack.errors(source_valid, target_valid))
                progress.advance(note=f"valid {float(history[-1].min()):.3f}")
        self.history = torch.stack(history)
        self.valid_grid_ = ValidGrid.of_all(stack.predictions(source_valid, len(target_valid)), target_valid.cpu())
        self._choose(stack, model)
        return self

    def _choose(self, stack: _Stack, model: AttentiveProbe) -> None:
        final = self.history[-1].nan_to_num(nan=math.inf, posinf=math.inf)
        best = int(final.argmin())
        if not math.isfinite(final[best]):
            raise PhysrepError("every attentive probe diverged; use smaller learning rates.")
        early = self.history.nan_to_num(nan=math.inf, posinf=math.inf).min(dim=0)
        rate, decay = self.grid[best]
        self.best_params_ = {
            "learning_rate": rate,
            "weight_decay": decay,
            "epoch": self.epochs,
            "valid_mse": float(final[best]),
            "grid": [
                {
                    "learning_rate": rate,
                    "weight_decay": decay,
                    "valid_mse": float(final[k]),
                    "early_epoch": int(early.indices[k]) + 1,
                    "early_valid_mse": float(early.values[k]),
                }
                for k, (rate, decay) in enumerate(self.grid)
            ],
        }
        model.load_state_dict({name: value.detach()[best] for name, value in stack.parameters.items()})
        self.model = model.requires_grad_(False).to(self.device)

    def predict(self, tokens: Tokens) -> Tensor:
        check_tokens(tokens)
        if tokens.shape[-1] != self.model.embed_dim:
            raise PhysrepError(
                f"tokens have {tokens.shape[-1]} channels; this probe was fitted on {self.model.embed_dim}."
            )
        parts = (normalise_tokens(batch.to(self.device)) for batch in batches(tokens, 256))
        return torch.cat([self.model.forward_normalised(part).cpu() for part in parts])


class _Stack:
    """The parameters of K probes, stacked along a leading axis, and their optimiser.

    Row k of the storage holds probe k, its matrices and then all vectors (query, biases, norms; without weight decay),
    and so does that of the gradients: two tensors per probe that a stock AdamW updates, with the settings of that
    probe, as few large tensors make that update cheap. The named parameters share its memory.
    """

    def __init__(self, model: AttentiveProbe, grid: Sequence[tuple[float, float]], device: str) -> None:
        self.num_heads = model.num_heads
        self.grid = grid
        named = {name: parameter.detach().to(device) for name, parameter in model.named_parameters()}
        matrices = [name for name in named if name.endswith(".weight") and ".norm" not in name]
        order = matrices + [name for name in named if name not in matrices]
        # Matrices are stored (in, out): the layout in which the batched product returns their gradients.
        shapes = {name: _swap(name, named[name]).shape for name in order}
        row = torch.cat([_swap(name, named[name]).flatten() for name in order])
        decayed = sum(named[name].numel() for name in matrices)
        stored = row.repeat(len(grid), 1)
        gradients = torch.zeros_like(stored)
        self.parameters, self.gradients = (_named_views(rows, shapes) for rows in (stored, gradients))
        groups = []
        for (rate, decay), values, slopes in zip(grid, stored, gradients, strict=True):
            for part, own in ((slice(None, decayed), decay), (slice(decayed, None), 0.0)):
                parameter = values[part]
                parameter.grad = slopes[part]
                groups.append({"params": [parameter], "peak": rate, "weight_decay": own})
        self.optimiser = torch.optim.AdamW(groups, fused=True)

    @torch.no_grad()
    def step(self, normalised: Tensor, target: Tensor, factor: float) -> None:
        """One AdamW step of every probe on one batch; ``factor`` scales the learning rates."""
        forward = PooledPass(self.parameters, normalised, self.num_heads)
        # Of each probe's own mean squared error.
        forward.gradients((forward.output - target) * (2 / target.numel()), self.gradients)
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * factor
        self.optimiser.step()

    @torch.no_grad()
    def predictions(self, source: _NormalisedTokens, count: int) -> Tensor:
        """Of each probe, with shape ``(K, count, P)``, on the CPU."""
        parts = (
            pooled_forward(self.parameters, source[rows], self.num_heads) for rows in torch.arange(count).split(256)
        )
        return torch.cat([part.cpu() for part in parts], 1)

    @torch.no_grad()
    def errors(self, source: _NormalisedTokens, target: Tensor) -> Tensor:
        """Mean squared error of each probe, with shape ``(K,)``."""
        total = torch.zeros(len(self.grid), dtype=torch.float64)
        for rows in torch.arange(len(target)).split(256):
            prediction = pooled_forward(self.parameters, source[rows], self.num_heads)
            total += (prediction - target[rows]).double().square().mean(dim=2).sum(dim=1).cpu()
        return total / len(target)


def _named_views(stored: Tensor, shapes: Mapping[str, torch.Size]) -> dict[str, Tensor]:
    """The parameters of K probes in the rows of ``stored``, in the order of ``shapes``."""
    parts = stored.split([shape.numel() for shape in shapes.values()], dim=1)
    return {
        name: _swap(name, part.view(len(stored), *shape))
        for (name, shape), part in zip(shapes.items(), parts, strict=True)
    }


def _swap(name: str, tensor: Tensor) -> Tensor:
    """Transpose the matrices that multiply activations; its own inverse."""
    return tensor.mT if name.endswith(("q.weight", "fc1.weight", "fc2.weight", "linear.weight")) else tensor


class _NormalisedTokens:
    """Rows of normalised tokens: kept in memory if they fit, else normalised batch by batch."""

    def __init__(self, tokens: Tokens, memory_bytes: int, device: str) -> None:
        self.tokens, self.device = tokens, device
        self.cache = None
        if 4 * math.prod(tokens.shape) <= memory_bytes:
            self.cache = torch.empty(tuple(tokens.shape), device=device)
            for part, batch in zip(self.cache.split(256), batches(tokens, 256), strict=True):
                part.copy_(normalise_tokens(batch))

    def __getitem__(self, rows: Tensor) -> Tensor:
        if self.cache is not None:
            return self.cache.index_select(0, rows.to(self.device))
        return normalise_tokens(take(self.tokens, rows.numpy()).to(self.device))


def _schedule(step: int, total: int, warmup: float) -> float:
    """Factor of the learning rate: linear warm-up over ``warmup * total`` steps, then cosine to 0."""
    rising = int(warmup * total)
    if step < rising:
        return (step + 1) / (rising + 1)
    return 0.5 * (1.0 + math.cos(math.pi * (step - rising) / max(1, total - rising)))

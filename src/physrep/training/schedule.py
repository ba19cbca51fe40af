"""The optimiser's parameter groups and learning rate."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from .config import TrainingConfig


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """AdamW's parameter groups: decay for matrices and kernels, none for norms, biases, layer scales and queries."""
    decay, rest = [], []
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            plain = parameter.squeeze().ndim < 2 or "query" in name
            (rest if plain else decay).append(parameter)
    return [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def build_optimiser(module: nn.Module, config: TrainingConfig) -> torch.optim.AdamW:
    """AdamW on the trainable parameters of ``module``."""
    return torch.optim.AdamW(
        decay_groups(module, config.weight_decay),
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        fused=takes_fused(module),
    )


def takes_fused(module: nn.Module) -> bool:
    """Whether AdamW's kernel that makes one pass over memory, a third of the time on a CPU, knows all parameters."""
    parameters = [p for p in module.parameters() if p.requires_grad]
    return bool(parameters) and all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)


def learning_rate_factor(step: int, config: TrainingConfig) -> float:
    """Multiple of the peak rate at optimiser step ``step`` (from 0): linear warm-up, then cosine to the final rate."""
    warmup = max(1, round(config.warmup * config.steps)) if config.warmup > 0 else 0
    if step < warmup:
        return (step + 1) / warmup
    last = config.final_learning_rate / config.learning_rate
    done = min(1.0, (step - warmup) / max(1, config.steps - warmup))
    return last + (1 - last) * 0.5 * (1 + math.cos(math.pi * done))

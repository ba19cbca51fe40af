"""What tells frozen encoders apart."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ..files import content_hash
from ..renamed import former_attributes


def encoder_hash(encoder: nn.Module) -> str:
    """16 hexadecimal digits that identify an encoder: its modules, their plain attributes, parameters, buffers."""
    digest = hashlib.sha256()
    for name, module in encoder.named_modules():
        plain = {key: value for key, value in vars(module).items() if key != "training" and _is_plain(value)}
        plain = former_attributes(plain)
        digest.update(f"{name} {type(module).__module__}.{type(module).__qualname__} {content_hash(plain)}\n".encode())
    tensors = [*encoder.named_parameters(), *encoder.named_buffers()]
    for name, tensor in sorted(tensors, key=lambda item: item[0]):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]


def _is_plain(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))

"""Weights of encoders that physrep did not train: files of tensors, exported programs, and shuffled weights."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import PhysrepError, one_line
from .base import read_tensors

STEMS = ("", "encoder.", "backbone.")
"""What may stand before the names of an encoder's weights where a file holds more than the encoder."""


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Put the tensors of a file into a module, every one of them; what else the file holds is left out.

    Args:
        module: the encoder.
        path: ``.safetensors``, or a file of torch; nothing in it is executed (see `read_tensors`).

    Raises:
        PhysrepError: the file cannot be read so, or its names and shapes are not those of the module.
    """
    stored, wanted = read_tensors(path), module.state_dict()
    for stem in STEMS:
        cut = {name.removeprefix(stem): value for name, value in stored.items() if name.startswith(stem)}
        if set(wanted) <= set(cut):
            stored = cut
            break
    missing = [name for name in wanted if name not in stored]
    if missing:
        raise PhysrepError(
            f"{path}: lacks {len(missing)} of {len(wanted)} weights of {type(module).__name__}, the first being "
            f"{missing[0]}; it has {', '.join(list(stored)[:3])}, ...; give the options that these weights are for."
        )
    for name, value in wanted.items():
        if stored[name].shape != value.shape:
            raise PhysrepError(
                f"{path}: {name} has shape {tuple(stored[name].shape)}, but {type(module).__name__} wants "
                f"{tuple(value.shape)}; mend --encoder_options."
            )
    module.load_state_dict({name: stored[name] for name in wanted})


def load_program(path: str | Path) -> nn.Module:
    """The module of a program that ``torch.export.save`` wrote.

    Raises:
        PhysrepError: there is no such file, or it is no exported program.
    """
    if not Path(path).is_file():
        raise PhysrepError(f"{path}: no such file; give a program that torch.export.save wrote.")
    try:
        return ExportedProgram(torch.export.load(str(path)).module())
    except Exception as error:  # torch raises many kinds for a file that is not its own
        reason = one_line(error)
        raise PhysrepError(f"{path}: is no exported program ({reason}); write it with torch.export.save.") from error


class ExportedProgram(nn.Module):
    """A program, which stays in the mode in which it was exported: it refuses ``train`` and ``eval``."""

    def __init__(self, graph: nn.Module) -> None:
        super().__init__()
        self.graph = graph

    def train(self, mode: bool = True) -> ExportedProgram:
        self.training = mode
        return self

    def forward(self, x: Tensor) -> Any:
        return self.graph(x)


def shuffled(module: nn.Module, seed: int) -> nn.Module:
    """The module with the entries of every tensor of weights in random order: the same values, no knowledge.

    Buffers are kept.
    """
    fresh = module if isinstance(module, ExportedProgram) else copy.deepcopy(module)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in fresh.parameters():
            flat = parameter.detach().reshape(-1).clone()
            parameter.copy_(flat[torch.randperm(flat.numel(), generator=generator)].view_as(parameter))
    return fresh

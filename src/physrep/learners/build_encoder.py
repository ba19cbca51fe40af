"""Encoders by name or import path, and the check of what they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import PhysrepError, one_line
from ..nn import ENCODERS
from ..nn.conditioned import ConditionedEncoder
from ..registry import build


def build_encoder(
    encoder: str | nn.Module, in_channels: int, num_frames: int, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """An encoder ``(B, C, T, H, W) -> (B, N, D)`` by name, by import path, or the module itself.

    Args:
        encoder: key of `physrep.nn.ENCODERS`, import path (``pkg.mod:Class``), or a module.
        in_channels: number of field components, passed on if the constructor takes ``in_channels``.
        num_frames: frames per clip, passed on if the constructor takes ``num_frames``.
        options: keyword arguments of the constructor; with ``reads_units: true`` any encoder is told time step and
            spacing of its clips, see `physrep.nn.conditioned`.

    Raises:
        PhysrepError: unknown name or option (the nearest is suggested), or what was named is no ``nn.Module``.
    """
    if isinstance(encoder, nn.Module):
        if options:
            raise PhysrepError("encoder_options only go with an encoder's name; this encoder is built already.")
        return encoder
    options = dict(options or {})
    told = bool(options.pop("reads_units", False))
    offered = {"in_channels": in_channels, "num_frames": num_frames}
    built = build(encoder, ENCODERS, "encoder", options, offered)
    if not isinstance(built, nn.Module):
        raise PhysrepError(
            f"encoder {encoder!r} is a {type(built).__name__}, not a torch.nn.Module; name a module class."
        )
    if told:
        return ConditionedEncoder(built, in_channels, embedding_dimension(built, in_channels, num_frames))
    return built


def check_encoding(tokens: Any, encoder: nn.Module, batch: int) -> Tensor:
    """``tokens`` if they have the shape ``(B, N, D)``.

    Raises:
        PhysrepError: they do not; the message names the encoder and the shape that it gave.
    """
    name = type(encoder).__name__
    if not isinstance(tokens, Tensor):
        raise PhysrepError(f"encoder {name} gave a {type(tokens).__name__}; it must return one tensor (B, N, D).")
    if tokens.dim() != 3 or tokens.shape[0] != batch or 0 in tokens.shape:
        raise PhysrepError(
            f"encoder {name} gave the shape {tuple(tokens.shape)} for {batch} clips; it must return tokens (B, N, D), "
            "here with B = the number of clips."
        )
    return tokens


@torch.no_grad()
def embedding_dimension(encoder: nn.Module, in_channels: int, num_frames: int, size: tuple[int, int] = (64, 64)) -> int:
    """D of an encoder: its ``embed_dim``, or else what it gives for one clip of zeros with ``size`` points.

    Raises:
        PhysrepError: it has no ``embed_dim`` and cannot encode such a clip, or gives no tokens.
    """
    stated = getattr(encoder, "embed_dim", None)
    if stated is not None:
        return int(stated)
    training = encoder.training
    try:
        tokens = encoder.eval()(torch.zeros(1, in_channels, num_frames, *size))
    except PhysrepError:
        raise
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        if _takes_time_first(encoder, in_channels, num_frames, size):
            raise PhysrepError(
                f"encoder {type(encoder).__name__} takes clips (B, T, C, H, W), but is given (B, C, T, H, W); wrap it "
                "in a module whose forward calls it with clips.transpose(1, 2)."
            ) from error
        raise PhysrepError(
            f"encoder {type(encoder).__name__} has no attribute embed_dim and cannot encode a clip of shape "
            f"(1, {in_channels}, {num_frames}, {size[0]}, {size[1]}) ({one_line(error)}); give it embed_dim = D."
        ) from error
    finally:
        encoder.train(training)
    return check_encoding(tokens, encoder, 1).shape[-1]


def _takes_time_first(encoder: nn.Module, in_channels: int, num_frames: int, size: tuple[int, int]) -> bool:
    """Whether an encoder that refused ``(B, C, T, H, W)`` takes ``(B, T, C, H, W)``."""
    try:
        encoder(torch.zeros(1, num_frames, in_channels, *size))
    except (RuntimeError, ValueError, TypeError, AssertionError):
        return False
    return in_channels != num_frames

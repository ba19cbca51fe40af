"""Building objects from a name or an import path and keyword options, with helpful answers to typing errors."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .errors import PhysrepError
from .nn import ENCODERS


def nearest(name: str, known: list[str]) -> str:
    """Half a sentence that names the closest known name, or lists all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}."


def resolve(name: str, registry: Mapping[str, Any], kind: str) -> Callable[..., Any]:
    """The class or function called ``name``: a key of ``registry``, ``pkg.mod:Name`` or ``pkg.mod.Name``.

    Args:
        name: what the user wrote.
        registry: known names.
        kind: noun for the error message, e.g. ``"encoder"``.

    Raises:
        PhysrepError: nothing of that name exists; the nearest known name is suggested.
    """
    if name in registry:
        return registry[name]
    module_name, _, attribute = name.partition(":") if ":" in name else name.rpartition(".")
    if not module_name or not attribute:
        raise PhysrepError(f"there is no {kind} {name!r}; {nearest(name, list(registry))}")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise PhysrepError(
            f"{kind} {name!r}: cannot import {module_name} ({error}); check the spelling and PYTHONPATH."
        ) from error
    if not hasattr(module, attribute):
        public = [key for key in vars(module) if not key.startswith("_")]
        raise PhysrepError(f"{kind} {name!r}: module {module_name} has no {attribute!r}; {nearest(attribute, public)}")
    return getattr(module, attribute)


def build(
    name: str,
    registry: Mapping[str, Any],
    kind: str,
    options: Mapping[str, Any] | None = None,
    offered: Mapping[str, Any] | None = None,
) -> Any:
    """Call what ``name`` stands for with ``options``, after checking their names against its signature.

    Args:
        name: key of ``registry`` or import path.
        registry: known names.
        kind: noun for the error message.
        options: keyword arguments chosen by the user.
        offered: further keyword arguments, passed on only where the signature names them and the user did not.

    Raises:
        PhysrepError: unknown name, unknown or missing option, or a value that the constructor refuses.
    """
    factory = resolve(name, registry, kind)
    options, offered = dict(options or {}), dict(offered or {})
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError) as error:
        raise PhysrepError(f"{kind} {name!r} is not a class or function; name one.") from error
    variadic = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = [key for key, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    for key in options:
        if key not in named and not variadic:
            raise PhysrepError(f"{kind} {name!r} has no option {key!r}; {nearest(key, named)}")
    arguments = {key: value for key, value in offered.items() if key in named} | options
    missing = [key for key in named if parameters[key].default is inspect.Parameter.empty and key not in arguments]
    if missing:
        raise PhysrepError(f"{kind} {name!r} needs the option {missing[0]!r}; give it in the options.")
    try:
        return factory(**arguments)
    except (TypeError, ValueError) as error:
        raise PhysrepError(f"{kind} {name!r} cannot be built with {arguments}: {error}") from error


def build_encoder(
    encoder: str | nn.Module, in_channels: int, num_frames: int, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """An encoder ``(B, C, T, H, W) -> (B, N, D)`` by name, by import path, or the module itself.

    Args:
        encoder: key of `physrep.nn.ENCODERS`, import path (``pkg.mod:Class``), or a module.
        in_channels: number of field components, passed on if the constructor takes ``in_channels``.
        num_frames: frames per clip, passed on if the constructor takes ``num_frames``.
        options: keyword arguments of the constructor.

    Raises:
        PhysrepError: unknown name or option (the nearest is suggested), or what was named is no ``nn.Module``.
    """
    if isinstance(encoder, nn.Module):
        if options:
            raise PhysrepError("encoder_options only go with an encoder's name; this encoder is built already.")
        return encoder
    offered = {"in_channels": in_channels, "num_frames": num_frames}
    built = build(encoder, ENCODERS, "encoder", options, offered)
    if not isinstance(built, nn.Module):
        raise PhysrepError(
            f"encoder {encoder!r} is a {type(built).__name__}, not a torch.nn.Module; name a module class."
        )
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
    except (RuntimeError, ValueError, TypeError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise PhysrepError(
            f"encoder {type(encoder).__name__} has no attribute embed_dim and cannot encode a clip of shape "
            f"(1, {in_channels}, {num_frames}, {size[0]}, {size[1]}) ({reason}); give it embed_dim = D."
        ) from error
    finally:
        encoder.train(training)
    return check_encoding(tokens, encoder, 1).shape[-1]

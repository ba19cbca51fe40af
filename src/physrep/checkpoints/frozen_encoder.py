"""Any encoder of others, frozen: fields in the layout, size and range that it wants, its output as tokens.

The fields ``(B, C, T, H, W)`` are normalised, reduced to the channels that the encoder takes, resized, laid out,
encoded, and what comes back becomes tokens ``(B, N, D)``:

    normalise   dataset   (field - mean) / std of the training split
                imagenet  the same, from -3 ... 3 to 0 ... 1 and clipped, then ImageNet's mean and std per colour
                none      raw
    channels    all       the C fields as they are
                each      one video per field, the field in all three colours; tokens one after the other
                mean      the mean of the normalised fields in all three colours
                first3    the first three fields as colours, the last repeated if there are fewer
    layout      BCTHW, BTCHW, BTHWC, or BCHW for an encoder of single images, which sees frame by frame

An output may be a tensor (B, N, D), (B, D), (B, D, h, w) or (B, D, t, h, w), the first tensor of a tuple, or the
``last_hidden_state`` (else the first of `OUTPUTS`, else the first tensor) of a dictionary or dataclass.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError, one_line
from ..learners.baselines import Untrained
from ..learners.build_encoder import build_encoder
from ..learners.joined import joining
from ..nn.video_model import MEAN, STD
from .foreign import load_program, load_weights, shuffled

LAYOUTS = ("BCTHW", "BTCHW", "BTHWC", "BCHW")
CHANNELS = ("all", "each", "mean", "first3")
NORMALISATIONS = ("dataset", "imagenet", "none")
POOLS = ("none", "mean", "first")
OUTPUTS = ("last_hidden_state", "tokens", "x_norm_patchtokens", "features", "pooler_output", "logits")
LIMIT = 3.0
"""Standard deviations that become the whole range of a picture."""


class FrozenEncoder(Untrained):
    """Tokens of an encoder that physrep did not train; nothing of it is changed.

    Args:
        in_channels: number of field components C.
        num_frames: frames per clip.
        encoder: import path (``module:Class``), key of `physrep.nn.ENCODERS`, a run directory, an exported program
            (``.pt2``), ``hf:FOLDER_OR_ID`` of the transformers library, or a module.
        encoder_options: keyword arguments of the class.
        weights: file of weights of a class, ``.safetensors`` or ``.pth`` (read as tensors only).
        layout, channels, normalise: see above.
        size: height and width that the encoder wants, one number or two; default that of the data.
        pool: ``none``; ``mean`` over tokens; ``first`` token only.
        random_weights: a floor: the initial weights of the class where ``weights`` are given, of a learner of physrep
            those of its configuration; else every tensor of weights with its entries shuffled.
        seed: of the random weights.
        embed_dim: D, where it is known; only for summaries.

    Raises:
        PhysrepError: an unknown choice, an encoder that cannot be built, or weights that do not fit it.
    """

    label = "Frozen encoder"
    colour = "#3d6fb5"
    kind = "learner"

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "conv3d",
        encoder_options: Mapping[str, Any] | None = None,
        weights: str | None = None,
        layout: str = "BCTHW",
        channels: str = "all",
        normalise: str = "dataset",
        size: int | Sequence[int] | None = None,
        pool: str = "none",
        random_weights: bool = False,
        seed: int = 0,
        embed_dim: int = 0,
    ) -> None:
        super().__init__(in_channels, num_frames)
        for name, value, known in (
            ("layout", layout, LAYOUTS),
            ("channels", channels, CHANNELS),
            ("normalise", normalise, NORMALISATIONS),
            ("pool", pool, POOLS),
        ):
            if value not in known:
                raise PhysrepError(f"{name} is {value!r}; use one of {', '.join(known)}.")
        if normalise == "imagenet" and channels == "all" and in_channels != 3:
            raise PhysrepError(
                f"normalise imagenet is for three colours, but there are {in_channels} fields; choose channels each, "
                "mean or first3."
            )
        self.layout, self.channels_as, self.normalise, self.pool = layout, channels, normalise, pool
        self.size = None if size is None else tuple([size] * 2 if isinstance(size, int) else [int(n) for n in size])
        self.embed_dim = embed_dim
        self.run = False
        torch.manual_seed(seed)
        self.encoder = self._build(encoder, encoder_options, weights, random_weights, seed)
        if random_weights:
            self.kind, self.label, self.colour = "floor", "Its random weights", "#7a9a78"
        for parameter in self.encoder.parameters():
            parameter.requires_grad_(False)

    def _build(
        self,
        encoder: str | nn.Module,
        options: Mapping[str, Any] | None,
        weights: str | None,
        random_weights: bool,
        seed: int,
    ) -> nn.Module:
        text = encoder if isinstance(encoder, str) else ""
        if weights and (text.endswith(".pt2") or text.startswith("hf:") or Path(text).is_dir()):
            raise PhysrepError(f"--weights goes with a class; {text} holds its own.")
        if options and (text.endswith(".pt2") or text.startswith("hf:") or Path(text).is_dir()):
            raise PhysrepError(f"--encoder_options goes with a class; {text} is built already.")
        if text.endswith(".pt2"):
            program = load_program(text)
            return shuffled(program, seed) if random_weights else program
        if text.startswith("hf:"):
            model = _transformers(text.removeprefix("hf:"))
            return shuffled(model, seed) if random_weights else model
        if text and Path(text).is_dir():
            self.run = True
            fed = {"layout": self.layout, "channels": self.channels_as, "normalise": self.normalise, "size": self.size}
            usual = {"layout": "BCTHW", "channels": "all", "normalise": "dataset", "size": None}
            if other := [name for name, value in fed.items() if value != usual[name]]:
                raise PhysrepError(f"--{other[0]} has no effect: {text} is a run, which knows its input; leave it out.")
            return _of_run(text, random_weights, seed)
        frames_channels = self.in_channels if self.channels_as == "all" else 3
        built = build_encoder(encoder, frames_channels, self.num_frames, options)
        if weights and not random_weights:
            load_weights(built, weights)
        return shuffled(built, seed) if random_weights and not weights else built

    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)``."""
        if self.run:
            encoder: Any = self.encoder
            return self._pooled(encoder.encode(clip))
        x = self._normalised(clip)
        views = [x]
        if self.channels_as == "each":
            views = [_grey(x[:, i : i + 1]) for i in range(x.shape[1])]
        elif self.channels_as == "mean":
            views = [_grey(x.mean(1, keepdim=True))]
        elif self.channels_as == "first3":
            views = [x[:, [min(i, x.shape[1] - 1) for i in range(3)]]]
        return self._pooled(torch.cat([self._tokens(self._coloured(view)) for view in views], dim=1))

    @property
    def join_windows(self) -> bool:
        """Whether the run that it holds joins the windows of a trajectory (`JoinsWindows`)."""
        return joining(self.encoder) is not None

    def evidence(self, clip: Clip) -> Tensor:
        encoder: Any = self.encoder
        return encoder.evidence(clip)

    def joined(self, evidence: Tensor, place: Tensor) -> Tensor:
        encoder: Any = self.encoder
        return self._pooled(encoder.joined(evidence, place))

    def _normalised(self, clip: Clip) -> Tensor:
        x = self.fields(clip, self.num_frames)
        if self.normalise != "none":
            return x
        shape = (1, -1, *[1] * (x.dim() - 2))
        return x * self.field_std.view(shape) + self.field_mean.view(shape)

    def _coloured(self, x: Tensor) -> Tensor:
        if x.dim() != 5 and (self.size is not None or self.normalise == "imagenet" or self.layout == "BCHW"):
            raise PhysrepError(
                f"size, normalise imagenet and layout BCHW are for two axes of space, these fields have {x.dim() - 3}."
            )
        if self.size is not None and tuple(x.shape[-2:]) != self.size:
            frames = F.interpolate(x.transpose(1, 2).flatten(0, 1), self.size, mode="bilinear", align_corners=False)
            x = frames.unflatten(0, (len(x), -1)).transpose(1, 2)
        if self.normalise != "imagenet":
            return x
        mean, std = (x.new_tensor(values).view(1, 3, 1, 1, 1) for values in (MEAN, STD))
        return ((x / LIMIT + 1) / 2).clamp(0, 1).sub(mean).div(std)

    def _tokens(self, x: Tensor) -> Tensor:
        batch, frames = x.shape[0], x.shape[2]
        if self.layout == "BCHW":
            tokens = as_tokens(self._call(x.transpose(1, 2).flatten(0, 1)), batch * frames, self.encoder)
            return tokens.unflatten(0, (batch, frames)).flatten(1, 2)
        space = range(3, x.dim())
        order = {"BCTHW": (0, 1, 2, *space), "BTCHW": (0, 2, 1, *space), "BTHWC": (0, 2, *space, 1)}[self.layout]
        return as_tokens(self._call(x.permute(order)), batch, self.encoder)

    def _call(self, x: Tensor) -> Any:
        try:
            return self.encoder(x.contiguous())
        except (RuntimeError, ValueError, TypeError, AssertionError, IndexError) as error:
            reason = one_line(error, 300)
            raise PhysrepError(
                f"encoder {type(self.encoder).__name__} refuses fields of shape {tuple(x.shape)} ({reason}); see "
                "--layout, --channels, --size, --num_frames and --encoder_options."
            ) from error

    def _pooled(self, tokens: Tensor) -> Tensor:
        if self.pool == "mean":
            return tokens.mean(1, keepdim=True)
        return tokens[:, :1] if self.pool == "first" else tokens


def _grey(x: Tensor) -> Tensor:
    """One channel as three equal ones."""
    return x.expand(-1, 3, *[-1] * (x.dim() - 2))


def as_tokens(output: Any, batch: int, encoder: nn.Module) -> Tensor:
    """Whatever an encoder gave as tokens ``(B, N, D)``.

    Args:
        output: tensor, tuple, dictionary or dataclass.
        batch: number of clips B.
        encoder: for the message.

    Raises:
        PhysrepError: no floating-point tensor whose first axis is the clips.
    """
    tensor = _tensor(output)
    if tensor is None or tensor.dim() not in range(2, 7) or len(tensor) != batch or not tensor.is_floating_point():
        found = type(output).__name__ if tensor is None else f"{tensor.dtype} of shape {tuple(tensor.shape)}"
        raise PhysrepError(
            f"encoder {type(encoder).__name__} gave {found} for {batch} clips; tokens are (B, N, D), (B, D), "
            "(B, D, h, w) or (B, D, t, h, w)."
        )
    if tensor.dim() == 2:
        return tensor.unsqueeze(1)
    return tensor if tensor.dim() == 3 else tensor.flatten(2).transpose(1, 2)


def _tensor(output: Any) -> Tensor | None:
    if isinstance(output, Tensor):
        return output
    if dataclasses.is_dataclass(output) and not isinstance(output, Mapping):
        output = {field.name: getattr(output, field.name) for field in dataclasses.fields(output)}
    if isinstance(output, Mapping):
        named = [output[name] for name in OUTPUTS if isinstance(output.get(name), Tensor)]
        output = [*named, *output.values()]
    if isinstance(output, list | tuple):
        return next((value for value in output if isinstance(value, Tensor)), None)
    return None


def _transformers(name: str) -> nn.Module:
    from ..nn.video_model import transformers_library

    library = transformers_library()
    try:
        return library.AutoModel.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError) as error:
        raise PhysrepError(
            f"hf:{name}: transformers cannot load it ({one_line(error)}); give a folder or a known id."
        ) from error


def _of_run(run: str, random_weights: bool, seed: int) -> nn.Module:
    from ..run_directory import build_learner, load_run

    learner, config = load_run(run)
    if not random_weights:
        return learner
    torch.manual_seed(seed)
    fresh = build_learner(config)
    fresh.set_normalisation(learner.channels, learner.field_mean.tolist(), learner.field_std.tolist())
    return fresh.eval()

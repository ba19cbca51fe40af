"""The contract of a learner: an objective and an encoder; it knows no trainer, no file and no probe."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from ..nn.conditioned import ConditionedEncoder
from ..renamed import current_names


def _blinded(method: Callable[..., Any], keep_labels: bool) -> Callable[..., Any]:
    """``method(self, clip, ...)`` with a clip that shows no labels, unless it may have them and wants them."""

    @functools.wraps(method)
    def seeing(self: Learner, clip: Any, *rest: Any, **named: Any) -> Any:
        if isinstance(clip, Clip) and not (keep_labels and self.needs_labels):
            clip = clip.blind()
        if isinstance(clip, Clip) and self.told_units:
            tell_units(self, clip.dt, clip.dx)
        return method(self, clip, *rest, **named)

    return seeing


def tell_units(module: nn.Module, dt: float | Sequence[float], dx: Sequence[float]) -> None:
    """Tell every conditioned encoder in a module the time step and the spacing of the clips that come next.

    Args:
        module: a learner, or a part of one.
        dt: time between frames, of all clips or of each.
        dx: spacing per axis.
    """
    for part in module.modules():
        if isinstance(part, ConditionedEncoder):
            part.set_units(dt, dx)


def _target_of(pairing: str, where: str) -> Any:
    """`Learner.target`, of a learner that states it under its former name."""
    return current_names({"pairing": pairing}, ["target"], where)["target"]


class Learner(nn.Module, ABC):
    """Trains on clips by `loss` and turns clips into tokens by `encode`.

    The statistics that normalise the fields are buffers, stored with the weights together with the channel names, so
    an encoder keeps reading its channels by name wherever it is loaded.

    Attributes:
        embed_dim: dimension D of the tokens.
        in_channels: number of field components.
        num_frames: frames that `encode` wants.
        train_frames: frames that `loss` wants.
        target: how the `train_frames` of a training clip belong together: ``"next"``, in a row, or ``"random"``, two
            windows from anywhere in one trajectory, or ``"replicate"``, windows of two trajectories with equal
            parameters (no value is told, but which are equal only who made the data knows).
        trainable: whether `loss` can be minimised; False for baselines without training.
        kind: group in tables: ``"learner"`` learns without labels, ``"floor"`` needs no training, ``"oracle"``
            is given the equation, ``"ceiling"`` and ``"finetuned"`` are trained on labels.
        label: name in tables and figures; a class that states none goes by its registered or its own name.
        colour: ``#rrggbb`` in figures; a class that states none gets one that follows from its name.
        reads_units: whether `encode` takes time step and spacing from the clip, so that it may be asked about others.
        told_units: whether its encoder is told both (`physrep.nn.conditioned`); what it makes of others than those of
            training nobody knows.
        needs_labels: whether `loss` reads the clip's parameters; False for everything that learns without labels.
        space_axes: numbers of axes of space that the learner reads; data with another are refused.

    Args:
        in_channels: number of field components.
        num_frames: frames per window of `encode`.
        train_frames: frames per clip of `loss`; default ``num_frames``.

    A learner sees what its place in the tables says: `encode` always, and `loss` unless `needs_labels`, get a clip
    whose parameters are NaN and whose trajectory and start are -1 (`Clip.blind`).
    """

    embed_dim: int
    target: Literal["next", "random", "replicate"] = "next"
    kind: Literal["floor", "learner", "finetuned", "oracle", "ceiling"] = "learner"
    label: str = ""
    colour: str = ""
    trainable: bool = True
    needs_labels: bool = False
    space_axes: tuple[int, ...] = (1, 2, 3)
    reads_units: bool = False
    told_units: bool = False
    field_mean: Tensor
    field_std: Tensor
    channel_names: Tensor

    def __init__(self, in_channels: int, num_frames: int, train_frames: int | None = None) -> None:
        super().__init__()
        self.in_channels, self.num_frames = in_channels, num_frames
        self.train_frames = num_frames if train_frames is None else train_frames
        self.register_buffer("field_mean", torch.zeros(in_channels))
        self.register_buffer("field_std", torch.ones(in_channels))
        # Names as bytes: weight files hold tensors and nothing else.
        self.register_buffer("channel_names", torch.zeros(0, dtype=torch.uint8))

    def __init_subclass__(cls, **settings: Any) -> None:
        # What a method is handed it can use, by mistake or not: labels and places in the data set are hidden here,
        # once, from every learner, also users' own, wherever it is called.
        super().__init_subclass__(**settings)
        if isinstance(former := cls.__dict__.get("pairing"), str):
            cls.target = _target_of(former, cls.__name__)
        for name in ("loss", "encode", "evidence", "predict", "estimate"):
            if callable(method := cls.__dict__.get(name)):
                setattr(cls, name, _blinded(method, keep_labels=name == "loss"))

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "pairing" and isinstance(value, str):
            name, value = "target", _target_of(value, type(self).__name__)
        if isinstance(value, ConditionedEncoder):
            self.told_units = True
        super().__setattr__(name, value)

    @abstractmethod
    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Scalars with at least ``"loss"``, for a clip of `train_frames` frames."""

    @abstractmethod
    def encode(self, clip: Clip) -> Tensor:
        """Tokens with shape ``(B, N, D)`` of a clip of `num_frames` frames."""

    def after_step(self, progress: float) -> None:
        """Called after every optimiser step; for what gradients do not update, such as a momentum teacher.

        Args:
            progress: fraction of the training steps that are done, in (0, 1].
        """

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels that the encoder reads, in order; empty before `set_normalisation`."""
        text = bytes(self.channel_names.tolist()).decode()
        return tuple(text.split("\n")) if text else ()

    def set_normalisation(self, channels: Sequence[str], mean: Sequence[float], std: Sequence[float]) -> None:
        """Read these channels, each as ``(field - mean) / std``.

        Args:
            channels: names of the C channels.
            mean, std: their statistics over the training split.

        Raises:
            PhysrepError: wrong number of channels, or a channel that is constant.
        """
        if not len(channels) == len(mean) == len(std) == self.in_channels:
            raise PhysrepError(
                f"{type(self).__name__} reads {self.in_channels} channels, got {len(channels)} names, {len(mean)} "
                f"means and {len(std)} standard deviations; give one of each per channel."
            )
        for name, spread in zip(channels, std, strict=True):
            if not float(spread) > 0:
                raise PhysrepError(f"channel {name!r} is constant in the training split (std {spread}); leave it out.")
        device = self.field_mean.device
        self.field_mean = torch.as_tensor(mean, dtype=torch.float32, device=device).clone()
        self.field_std = torch.as_tensor(std, dtype=torch.float32, device=device).clone()
        self.channel_names = torch.tensor(list("\n".join(channels).encode()), dtype=torch.uint8, device=device)

    def fields(self, clip: Clip, frames: int) -> Tensor:
        """Normalised fields with shape ``(B, C, frames, *S)``, channels chosen by name.

        Args:
            clip: windows with their channels' names.
            frames: number of frames that the clip must have.

        Raises:
            PhysrepError: a channel is missing, or the clip has another number of frames or of axes of space.
        """
        x = clip.fields
        if x.dim() - 3 not in self.space_axes:
            known = " or ".join(map(str, self.space_axes))
            raise PhysrepError(
                f"{type(self).__name__} reads fields on {known} axes of space, the data have {x.dim() - 3}; choose "
                "another learner, or cut planes out of the data."
            )
        if x.shape[2] != frames:
            raise PhysrepError(
                f"{type(self).__name__} wants clips of {frames} frames here, got {x.shape[2]}; set num_frames to match."
            )
        if not self.channels:
            if x.shape[1] != self.in_channels:
                raise PhysrepError(
                    f"{type(self).__name__} reads {self.in_channels} channels, the data have {x.shape[1]} "
                    f"({', '.join(clip.channels)}); set in_channels to match."
                )
            return x
        if clip.channels != self.channels:
            missing = [name for name in self.channels if name not in clip.channels]
            if missing:
                raise PhysrepError(
                    f"the data have no channel {missing[0]!r} that the encoder was trained on; "
                    f"they have {', '.join(clip.channels)}."
                )
            x = x[:, [clip.channels.index(name) for name in self.channels]]
        shape = (1, -1, *[1] * (x.dim() - 2))
        return (x - self.field_mean.view(shape)) / self.field_std.view(shape)

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any, **kwargs: Any) -> None:
        # The buffer of names is as long as the names are: make room for what is stored.
        stored = state_dict.get(f"{prefix}channel_names")
        if stored is not None:
            self.channel_names = torch.zeros_like(stored, device=self.channel_names.device)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)

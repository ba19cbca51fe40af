"""Joint-embedding prediction in time: from the encoding of one window, predict the encoding of the next.

With encoder f, predictor g, a window x and the window y of the same length that follows it,

    loss = VICReg(g(f(x)), f(y)),

with gradients through both sides: no momentum encoder, no stopped gradient. The variance and covariance terms keep the
encodings from collapsing. This is the published form, with the tokens of the batch as VICReg's samples.

A second form predicts between whole clips: h(f(x)) is the mean and standard deviation of the tokens, through a
projector (an MLP, thrown away after training), and

    loss = VICReg(g(h(f(x))), h(f(y))).

With ``momentum`` f(y) is a teacher's, a moving average of f without gradient, as in BYOL; a regulariser of small weight
is then enough. With ``views`` each window is disturbed by itself (noise, blur, gain, see `disturbances`).

With ``target: random`` x and y are windows from anywhere in one trajectory, each seen through its own symmetry, so that
what x tells of y is what does not change along a trajectory: its physical parameters among it. With ``target:
replicate`` y is of another trajectory with equal parameters (re-simulation), so that nothing of the initial condition
is shared either. No value is told, but that two recordings have equal parameters is knowledge of who made them.

Sources:
    "Representation Learning for Spatiotemporal Physical Systems", 2026, https://arxiv.org/abs/2603.13227.
    Mialon et al., Self-supervised learning with Lie symmetries for partial differential equations, 2023,
    https://arxiv.org/abs/2307.05432, for symmetries as views and a projector.
    Harris et al., Re-simulation-based self-supervised learning (RS3L), 2024, https://arxiv.org/abs/2403.07066, for
    replicates as positives.
    Grill et al., Bootstrap your own latent, 2020, https://arxiv.org/abs/2006.07733, for the teacher.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from ..clip import Clip
from ..errors import PhysrepError
from ..nn import PREDICTORS, ConvNeXt3D
from ..registry import build
from ..renamed import takes_former_names
from .base import tell_units
from .build_encoder import check_encoding
from .disturbances import Disturbances
from .encoding import EncoderLearner
from .pooling import pooled
from .regularisers import build_regulariser
from .teacher import follow, teacher_of


@takes_former_names
class JEPA(EncoderLearner):
    """Encoder, predictor and VICReg.

    Args:
        in_channels: number of field components.
        num_frames: frames per window; training clips hold two windows.
        encoder: key of `physrep.nn.ENCODERS`, import path, or a module ``(B, C, T, H, W) -> (B, N, D)``.
        encoder_options: keyword arguments of the encoder.
        predictor: key of `physrep.nn.PREDICTORS`, import path, or a module ``(tokens, grid) -> tokens``. None takes
            ``conv`` (the paper's) for ``convnext3d`` and ``tokens`` for other encoders. For ``level: clip`` it is an
            MLP, or ``none``: both sides are compared as they are.
        predictor_options: keyword arguments of the predictor.
        regulariser: loss on (prediction, target): a key of `REGULARISERS`, ``{name: sigreg, ...}`` with its options
            (without a name VICReg's), or a module that returns a dict with ``"loss"``; None takes `VICReg` with the
            paper's weights.
        level: what the regulariser's samples are: every token of the batch (``"token"``, as in the paper), or every
            clip (``"clip"``).
        projector: widths of the projector's layers, for ``level: clip``.
        target: ``"next"``, y follows x; ``"random"``; or ``"replicate"``.
        momentum: m of a teacher ``teacher = m teacher + (1 - m) student`` that encodes y; default none, gradients flow
            through both sides. `encode` gives the student's tokens.
        views: largest disturbances of each window in training, ``{noise: 0.2, blur: 1, gain: 2}`` or some of them.
    """

    # An object says of which form it is, see `_form`.
    label = "JEPA"
    colour = "#1f63b4"
    search_space: ClassVar[dict[str, Any]] = {"regulariser.sim": (1.0, 50.0), "regulariser.cov": (1.0, 50.0)}

    def __init__(
        self,
        in_channels: int,
        num_frames: int = 16,
        encoder: str | nn.Module = "convnext3d",
        encoder_options: Mapping[str, Any] | None = None,
        predictor: str | nn.Module | None = None,
        predictor_options: Mapping[str, Any] | None = None,
        regulariser: nn.Module | str | Mapping[str, Any] | None = None,
        level: Literal["token", "clip"] = "token",
        projector: Sequence[int] = (512, 128),
        target: Literal["next", "random", "replicate"] = "next",
        momentum: float | None = None,
        views: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(in_channels, num_frames, encoder, encoder_options, 2 * num_frames)
        if momentum is not None and not 0 <= momentum <= 1:
            raise PhysrepError(f"jepa: momentum {momentum} must lie between 0 and 1.")
        self.momentum = momentum
        self.views = None if views is None else Disturbances.of(views, "jepa")
        if level not in ("token", "clip"):
            raise PhysrepError(f"jepa: level is {level!r}; give 'token' or 'clip'.")
        if target not in ("next", "random", "replicate"):
            raise PhysrepError(f"jepa: target is {target!r}; give 'next', 'random' or 'replicate'.")
        if target != "next" and level == "token":
            raise PhysrepError(
                f"jepa: tokens of windows from anywhere do not correspond; target {target!r} needs level: clip."
            )
        self.level, self.target = level, target
        if type(self) is JEPA:  # a subclass is called as it says
            self.label, self.colour = _form(level, target, regulariser)
            added = [word for word, there in (("teacher", momentum is not None), ("disturbed", bool(views))) if there]
            if added:
                self.label = f"{self.label.removesuffix(')')}, {', '.join(added)})"
        if level == "clip":
            self.projector = _mlp(2 * self.embed_dim, projector)
            width = projector[-1]
            self.predictor: nn.Module | None = None if predictor == "none" else _mlp(width, (2 * width, width))
        else:
            self.predictor = self._build_predictor(predictor, predictor_options)
        self.regulariser = build_regulariser(regulariser)
        if momentum is not None:
            self.teacher = teacher_of(self.encoder)
            if level == "clip":
                self.teacher_projector = teacher_of(self.projector)

    @property
    def mixes_time_steps(self) -> bool:
        """Whether the two windows of a clip may differ in the time between frames."""
        return self.target != "next"

    def after_step(self, progress: float) -> None:
        """Move the teacher towards the student, where there is one."""
        if self.momentum is None:
            return
        follow(self.teacher, self.encoder, self.momentum)
        if self.level == "clip":
            follow(self.teacher_projector, self.projector, self.momentum)

    def _build_predictor(self, predictor: str | nn.Module | None, options: Mapping[str, Any] | None) -> nn.Module:
        if isinstance(predictor, nn.Module):
            return predictor
        options = dict(options or {})
        if predictor is None:
            published = isinstance(self.encoder, ConvNeXt3D)
            predictor = "conv" if published else "tokens"
            if not published and not hasattr(self.encoder, "grid"):
                # Without a grid there are no neighbours to mix.
                options.setdefault("kernel_size", 1)
        return build(predictor, PREDICTORS, "predictor", options, {"dim": self.embed_dim})

    def loss(self, clip: Clip) -> dict[str, Tensor]:
        """Loss, its terms, and measures of collapse, for clips of ``2 num_frames`` frames.

        Returns:
            Scalars: VICReg's terms, and without gradient ``feature_std``, the standard deviation over all tokens, and
            ``feature_std_pooled``, that of the clips' mean tokens, both averaged over channels; 0 is collapse.
        """
        x = self.fields(clip, self.train_frames)
        n = self.num_frames
        pair = torch.cat([x[:, :, :n], x[:, :, n:]])
        if self.views is not None and self.training:
            pair = self.views(pair, clip.periodic)
        if clip.second_dt is not None:
            own = [clip.dt] * len(x), [clip.second_dt] * len(x)
            tell_units(self.encoder, own[0] if self.momentum is not None else [*own[0], *own[1]], clip.dx)
            if self.momentum is not None:
                tell_units(self.teacher, own[1], clip.dx)
        if self.momentum is None:
            # One pass over both windows is exact, as no layer mixes clips, and runs larger matrix products.
            both = self.tokens(pair)
        else:
            with torch.no_grad():
                seen = check_encoding(self.teacher(pair[len(x) :]), self.teacher, len(x))
            both = torch.cat([self.tokens(pair[: len(x)]), seen])
        if self.level == "clip":
            if len(x) < 2:
                raise PhysrepError("jepa: level: clip compares the clips of a batch; give a larger batch.")
            if self.momentum is None:
                context, target = self.projector(pooled(both)).chunk(2)
            else:
                first, second = pooled(both).chunk(2)
                context = self.projector(first)
                with torch.no_grad():
                    target = self.teacher_projector(second)
            predicted = context if self.predictor is None else context + self.predictor(context)
            terms = self.regulariser(predicted.unsqueeze(1), target.unsqueeze(1))
        else:
            context, target = both.chunk(2)
            assert self.predictor is not None
            terms = self.regulariser(self.predictor(context, self._grid(x)), target)
        return {**terms, **_spread(both.detach())}

    def _grid(self, x: Tensor) -> tuple[int, ...] | None:
        grid = getattr(self.encoder, "grid", None)
        return grid(self.num_frames, *x.shape[3:]) if grid is not None else None


def _form(level: str, target: str, regulariser: object) -> tuple[str, str]:
    """Label and colour of a form: what is no longer the paper's objective does not go by its name."""
    if level == "clip":
        pairs = {"next": "next window", "random": "any windows", "replicate": "replicates"}
        return f"JEPA (clips, {pairs[target]})", "#5b9bd5"
    name = regulariser.get("name", "vicreg") if isinstance(regulariser, Mapping) else regulariser
    if name in (None, "vicreg"):
        return "JEPA (published)", JEPA.colour
    return f"JEPA (tokens, {name if isinstance(name, str) else type(name).__name__})", "#2f7f9f"


def _mlp(width: int, layers: Sequence[int]) -> nn.Sequential:
    """Linear layers with batch norm and ReLU between them, as in VICReg's expander; it is no part of the encoder."""
    widths = [width, *layers]
    modules: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        modules += [nn.Linear(before, after), nn.BatchNorm1d(after), nn.ReLU()]
    return nn.Sequential(*modules[:-2])


def _spread(tokens: Tensor) -> dict[str, Tensor]:
    tokens = tokens.float()
    return {
        "feature_std": tokens.flatten(0, 1).std(0, correction=0).mean(),
        "feature_std_pooled": tokens.mean(1).std(0, correction=0).mean(),
    }

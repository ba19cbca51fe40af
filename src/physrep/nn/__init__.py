"""Shape-to-shape modules without losses.

An encoder is any ``nn.Module`` from fields ``(B, C, T, H, W)`` to tokens ``(B, N, D)``. Those of `ENCODERS` also state
``embed_dim`` and ``grid(T, H, W) -> (t, h, w)``, the token grid, N = t h w in row-major order. One with
``space_axes = 3`` reads ``(B, C, T, X, Y, Z)`` and states ``grid(T, X, Y, Z) -> (t, x, y, z)``, one with
``space_axes = 1`` reads ``(B, C, T, X)``.
"""

from .conv_stack import ConvStack, ConvStack2D, ConvStack3D
from .conv_stack4d import ConvStack4D
from .convnext3d import ConvNeXt3D
from .patch_convnext3d import PatchConvNeXt3D
from .predictor import ConvTokenPredictor, TokenPredictor
from .videomae import VideoMAEEncoder
from .vit3d import ViT3D

ENCODERS = {
    "convnext3d": ConvNeXt3D,
    "patch_convnext3d": PatchConvNeXt3D,
    "vit3d": ViT3D,
    "conv2d": ConvStack2D,
    "conv3d": ConvStack3D,
    "conv4d": ConvStack4D,
    "videomae": VideoMAEEncoder,
}

PREDICTORS = {
    "conv": ConvTokenPredictor,
    "tokens": TokenPredictor,
}

__all__ = [
    "ENCODERS",
    "PREDICTORS",
    "ConvNeXt3D",
    "ConvStack",
    "ConvStack2D",
    "ConvStack3D",
    "ConvStack4D",
    "PatchConvNeXt3D",
    "ViT3D",
    "VideoMAEEncoder",
]

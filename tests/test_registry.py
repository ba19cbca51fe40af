"""Building by name or import path: what works, and what is said when it does not."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from physrep.errors import PhysrepError
from physrep.learners.build_encoder import build_encoder, check_encoding, embedding_dimension
from physrep.nn import ENCODERS, ViT3D
from physrep.registry import build


class Outside(nn.Module):
    """An encoder that takes neither in_channels nor num_frames."""

    def __init__(self, dim: int = 5) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        return x.new_zeros(len(x), 3, self.dim)


class Wrong(nn.Module):
    """An encoder that forgets the token axis."""

    def forward(self, x: Tensor) -> Tensor:
        return x.flatten(1)


def function(in_channels: int) -> nn.Module:
    """A function that builds an encoder."""
    return Outside(in_channels)


def test_by_name_with_options():
    encoder = build_encoder("vit3d", 3, 16, {"embed_dim": 24, "depth": 1})
    assert isinstance(encoder, ViT3D) and encoder.embed_dim == 24 and encoder.in_channels == 3


@pytest.mark.parametrize("path", ["physrep.nn.vit3d:ViT3D", "physrep.nn.vit3d.ViT3D", "physrep.nn:ViT3D"])
def test_by_import_path(path):
    assert isinstance(build_encoder(path, 3, 16), ViT3D)


def test_from_outside():
    encoder = build_encoder(f"{__name__}:Outside", 3, 16, {"dim": 7})
    assert embedding_dimension(encoder, 3, 16) == 7
    assert isinstance(build_encoder(f"{__name__}:function", 3, 16), Outside)
    module = Outside()
    assert build_encoder(module, 3, 16) is module


def test_num_frames_is_passed_only_where_it_is_taken():
    options = {"dims": (4, 4, 4, 4), "num_res_blocks": (1, 1, 1, 1)}
    assert build_encoder("convnext3d", 3, 8, options).num_frames == 8
    assert build_encoder("convnext3d", 3, 8, {**options, "num_frames": 4}).num_frames == 4


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("convnext", {}, "no encoder 'convnext'; did you mean 'convnext3d'"),
        ("quantum", {}, "known: .*convnext3d"),
        ("vit3d", {"embed_dims": 3}, "no option 'embed_dims'; did you mean 'embed_dim'"),
        ("physrep.nn.vit3d:ViT", {}, "has no 'ViT'; did you mean 'ViT3D'"),
        ("physrep.nowhere:X", {}, "cannot import physrep.nowhere"),
        ("vit3d", {"depth": "three"}, "cannot be built with"),
        ("math:pi", {}, "not a class or function"),
        ("fractions:Fraction", {}, "not a torch.nn.Module"),
    ],
)
def test_typing_errors(name, options, message):
    with pytest.raises(PhysrepError, match=message):
        build_encoder(name, 3, 16, options)


def test_missing_option_and_options_of_a_built_module():
    with pytest.raises(PhysrepError, match="needs the option 'in_channels'"):
        build("vit3d", ENCODERS, "encoder")
    with pytest.raises(PhysrepError, match="built already"):
        build_encoder(Outside(), 3, 16, {"dim": 3})


def test_wrong_output_shape():
    x = torch.zeros(2, 3, 16, 8, 8)
    with pytest.raises(PhysrepError, match=r"encoder Wrong gave the shape \(2, 3072\)"):
        check_encoding(Wrong()(x), Wrong(), 2)
    with pytest.raises(PhysrepError, match="encoder Wrong gave the shape"):
        embedding_dimension(Wrong(), 3, 16)
    with pytest.raises(PhysrepError, match="one tensor"):
        check_encoding((x, x), Wrong(), 2)


def test_an_encoder_that_cannot_be_tried_says_how_to_help():
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("only 224 x 224")

    with pytest.raises(PhysrepError, match=r"only 224 x 224.*embed_dim = D"):
        embedding_dimension(Picky(), 3, 16)

"""VideoMAE against the transformers library at sizes that no stored vector has; needs no golden files."""

from __future__ import annotations

import pytest
import torch

from physrep.checkpoints.videomae import convert
from physrep.learners import VideoMAE

transformers = pytest.importorskip("transformers")

SIZES = [
    {"channels": 1, "frames": 4, "size": 16, "patch": 8, "dim": 12, "depth": 1, "heads": 1},
    {"channels": 4, "frames": 6, "size": 24, "patch": 8, "dim": 24, "depth": 2, "heads": 3},
    {"channels": 11, "frames": 2, "size": 32, "patch": 16, "dim": 32, "depth": 3, "heads": 2},
]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pooled", [False, True], ids=["pretrained", "fine-tuned"])
def test_other_sizes(size: dict[str, int], pooled: bool) -> None:
    torch.manual_seed(0)
    config = transformers.VideoMAEConfig(
        image_size=size["size"], patch_size=size["patch"], num_channels=size["channels"], num_frames=size["frames"],
        tubelet_size=2, hidden_size=size["dim"], num_hidden_layers=size["depth"], num_attention_heads=size["heads"],
        intermediate_size=2 * size["dim"], decoder_hidden_size=size["dim"], decoder_num_hidden_layers=1,
        decoder_num_attention_heads=size["heads"], decoder_intermediate_size=2 * size["dim"], use_mean_pooling=pooled,
        norm_pix_loss=True, layer_norm_eps=1e-6,
    )  # fmt: skip
    x = torch.randn(2, size["frames"], size["channels"], size["size"], size["size"])
    theirs = transformers.VideoMAEModel(config).eval()
    for parameter in theirs.parameters():
        # Also norms and biases away from where they start.
        torch.nn.init.normal_(parameter, std=0.2)
    imported = convert(theirs.state_dict(), size["frames"], size["heads"], size["heads"], 1e-6)
    assert imported.options.get("final_norm", True) is not pooled
    ours = VideoMAE(imported.in_channels, imported.num_frames, **imported.options).eval()
    missing = ours.load_state_dict(imported.state, strict=False).missing_keys
    assert not [key for key in missing if key.startswith("encoder.")]
    with torch.no_grad():
        torch.testing.assert_close(ours.encoder(x.transpose(1, 2)), theirs(x).last_hidden_state, rtol=1e-4, atol=1e-4)

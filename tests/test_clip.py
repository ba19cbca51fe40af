"""A clip tells what it is, not its numbers."""

from __future__ import annotations

import torch

from physrep.clip import Clip


def test_its_text_tells_names_shapes_and_units_of_what_it_holds() -> None:
    clip = Clip(
        torch.zeros(2, 1, 4, 8, 16), torch.tensor([[40.0, 1.0], [400.0, 1.0]]), ("tracer",), ("Reynolds", "Schmidt"),
        0.1, (0.125, 0.0625), (True, True), torch.arange(2), torch.zeros(2),
    )  # fmt: skip
    assert repr(clip) == (
        "Clip(2 windows of 4 frames, dt 0.1; channels tracer on 8 x 16 points, dx 0.125, 0.0625; "
        "parameters Reynolds 40 to 400, Schmidt 1)"
    )
    assert "Reynolds nan" in repr(clip.blind())

"""Memory of large batches is used again, but never while anything still looks at it."""

from __future__ import annotations

import pytest
import torch

from physrep.data import buffers


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(buffers, "SMALLEST", 16)
    buffers._free.clear()
    yield
    buffers._free.clear()


def _address(tensor):
    return tensor.untyped_storage().data_ptr()


def test_memory_is_used_again_after_the_batch_is_gone():
    first = buffers.empty((2, 8))
    address = _address(first)
    second = buffers.empty((2, 8))
    assert _address(second) != address
    del first
    assert _address(buffers.empty((4, 4))) == address


@pytest.mark.parametrize(
    "hold",
    [
        lambda batch: batch,
        lambda batch: batch[0],
        lambda batch: batch.view(-1)[3:].numpy(),
        lambda batch: batch.unbind(0),
        lambda batch: (batch * torch.ones(8, requires_grad=True)).sum(),
    ],
    ids=["batch", "view", "numpy view", "views", "autograd"],
)
def test_memory_is_not_used_while_anything_holds_it(hold):
    batch = buffers.empty((2, 8))
    address, held = _address(batch), hold(batch)
    del batch
    assert _address(buffers.empty((2, 8))) != address
    del held
    assert _address(buffers.empty((2, 8))) == address


def test_few_blocks_are_kept_and_small_batches_have_memory_of_their_own(monkeypatch):
    held = [buffers.empty((2, 8)) for _ in range(9)]
    assert len({_address(batch) for batch in held}) == 9 and not buffers._free
    del held
    assert len(buffers._free) == buffers._free.maxlen
    assert buffers.empty((3, 8)).shape == (3, 8)
    monkeypatch.setattr(buffers, "SMALLEST", 1 << 20)
    buffers._free.clear()
    assert buffers.empty((2, 8)).shape == (2, 8) and not buffers._free

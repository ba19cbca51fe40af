"""Counting floating-point operations where torch dispatches them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import conv_flop_count, flop_registry


def _convolution_backward(
    gradient: Tensor, x: Tensor, weight: Tensor, bias: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
    *rest: Any, out_val: Any = None,
) -> int:  # fmt: skip
    """Either gradient of a convolution takes as many operations as the convolution, in groups too."""
    one = conv_flop_count(list(x.shape), list(weight.shape), list(gradient.shape), transposed)
    return one * sum(bool(wanted) for wanted in rest[-1][:2])


_FORMULAS: dict[Any, Callable[..., int]] = {
    **flop_registry,
    torch.ops.aten.convolution_backward: _convolution_backward,
}


class OperationCounter(TorchDispatchMode):
    """Adds up the operations of what runs inside of the block, backward passes included.

    Matrix products, convolutions and attention count by torch's own formulas (a multiply-add is 2), element-wise work
    does not. ``torch.utils.flop_counter.FlopCounterMode`` differs in three things: it counts the weight gradient of a
    convolution with G groups G times (torch 2.13), it keeps a record per module, which costs a third of the pass, and
    it forbids ``torch.autograd.grad`` inside of a backward pass, as adjoint methods need it.

    Attributes:
        total: operations so far.
        calls: operators so far.
    """

    # An operator that runs other operators (a checkpoint, say) is entered.
    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()
        self.total = self.calls = 0
        self._whole: set[Any] = set()

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        named = kwargs or {}
        if isinstance(func, torch._ops.HigherOrderOperator):
            return NotImplemented
        count = _FORMULAS.get(func._overloadpacket)
        if count is None and func not in self._whole:
            with self:
                parts = func.decompose(*args, **named)
            if parts is not NotImplemented:
                return parts
            self._whole.add(func)
        self.calls += 1
        result = func(*args, **named)
        if count is not None:
            self.total += count(*args, **named, out_val=result)
        return result

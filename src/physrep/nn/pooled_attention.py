"""K attentive probes at once, exactly, without projecting tokens to keys and values; forward pass and gradients.

There is one query, so with the normalised token ``x`` and the weight ``g`` of the token norm the score of head h
is ``x . u_h / sqrt(d)`` plus terms equal for all tokens, ``u_h = g * (W_k,h^T q_h)``: the key bias and the norm's
bias cancel in the softmax. Values are linear, so tokens are pooled first and projected afterwards:
``W_v,h (g * sum_n a_n x_n + b) + b_v,h``, since the attention weights ``a`` add up to 1. The cost per token falls
from ``2 D^2`` to ``2 h D`` multiplications, and K probes read the tokens once.

The gradients are written out: with few tokens per window a step is so short that recording it for automatic
differentiation takes as long as its arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = "pooler.cross_attention_block."


class PooledPass:
    """The forward pass of K probes, and what the backward pass needs of it.

    Args:
        parameters: parameters of `AttentiveProbe` by name, each with a leading axis of K probes.
        normalised: tokens after a layer norm without weight and bias, with shape ``(B, N, D)``.
        num_heads: number of heads h.

    Attributes:
        output: outputs with shape ``(K, B, P)``.
    """

    def __init__(self, parameters: Mapping[str, Tensor], normalised: Tensor, num_heads: int) -> None:
        batch, _, dim = normalised.shape
        self.parameters, self.tokens, self.heads = parameters, normalised, num_heads
        self.probes, self.scale = len(parameters["linear.weight"]), 1 / math.sqrt(dim // num_heads)
        gain, offset = (parameters[f"{BLOCK}norm1.{kind}"] for kind in ("weight", "bias"))
        self.key, self.value = self._heads_of(parameters[f"{BLOCK}xattn.kv.weight"]).unbind(1)
        self.query = parameters["pooler.query_tokens"].reshape(self.probes, 1, dim)

        self.q = self._linear(self.query, f"{BLOCK}xattn.q").reshape(self.probes, num_heads, 1, -1)
        self.qk = (self.q @ self.key).squeeze(2) * self.scale
        scores = (self.qk * gain[:, None]).flatten(0, 1) @ normalised.flatten(0, 1).T
        # (B, K h, N)
        self.attention = scores.unflatten(1, (batch, -1)).softmax(dim=-1).transpose(0, 1)
        # (K, h, B, D)
        self.mean = (self.attention @ normalised).unflatten(1, (self.probes, num_heads)).permute(1, 2, 0, 3)
        self.pooled = torch.addcmul(offset[:, None, None], self.mean, gain[:, None, None])
        values = (self.pooled @ self.value.mT).permute(0, 2, 1, 3).flatten(2)

        y = self.query + values + parameters[f"{BLOCK}xattn.kv.bias"][:, None, dim:]
        gain2, offset2 = (parameters[f"{BLOCK}norm2.{kind}"][:, None] for kind in ("weight", "bias"))
        self.normed, self.y_mean, self.y_rstd = torch.native_layer_norm(y, y.shape[-1:], None, None, 1e-5)
        self.y, self.scaled = y, torch.addcmul(offset2, self.normed, gain2)
        self.hidden = self._linear(self.scaled, f"{BLOCK}mlp.fc1")
        self.active = F.gelu(self.hidden)
        self.final = y + self._linear(self.active, f"{BLOCK}mlp.fc2")
        self.output = self._linear(self.final, "linear")

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return torch.baddbmm(self.parameters[f"{name}.bias"][:, None], x, self.parameters[f"{name}.weight"].mT)

    def _heads_of(self, kv: Tensor) -> Tensor:
        """``(K, 2, h, d, D)`` of the weights of keys and values."""
        return kv.view(self.probes, 2, self.heads, -1, kv.shape[-1])

    @torch.no_grad()
    def gradients(self, output: Tensor, into: Mapping[str, Tensor]) -> None:
        """Write the gradients of all parameters.

        Args:
            output: gradient of the outputs, ``(K, B, P)``.
            into: where to, by name, with the shapes of the parameters. That of the key bias, which has no effect, is
                left as it is, and should be 0.
        """
        final = self._linear_gradients(output, self.final, "linear", into)
        active = self._linear_gradients(final, self.active, f"{BLOCK}mlp.fc2", into)
        hidden = torch.ops.aten.gelu_backward(active, self.hidden)
        scaled = self._linear_gradients(hidden, self.scaled, f"{BLOCK}mlp.fc1", into)
        torch.sum(scaled * self.normed, 1, out=into[f"{BLOCK}norm2.weight"])
        torch.sum(scaled, 1, out=into[f"{BLOCK}norm2.bias"])
        normed = scaled * self.parameters[f"{BLOCK}norm2.weight"][:, None]
        width, mask = normed.shape[-1:], [True, False, False]
        arguments = (normed, self.y, width, self.y_mean, self.y_rstd, None, None, mask)
        y = torch.ops.aten.native_layer_norm_backward(*arguments)[0].add_(final)
        query = y.sum(1, keepdim=True)
        into[f"{BLOCK}xattn.kv.bias"][:, width[0] :].copy_(query.squeeze(1))
        self._attention_gradients(y, query, into)

    def _attention_gradients(self, y: Tensor, query: Tensor, into: Mapping[str, Tensor]) -> None:
        """Of what comes before the sum of query and values, whose gradient is ``y``; ``query`` is its sum over B."""
        gain = self.parameters[f"{BLOCK}norm1.weight"]
        keys, values = self._heads_of(into[f"{BLOCK}xattn.kv.weight"]).unbind(1)
        y = y.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (K, h, B, d)
        torch.matmul(y.mT, self.pooled, out=values)
        pooled = y @ self.value
        torch.sum(pooled, (1, 2), out=into[f"{BLOCK}norm1.bias"])
        gains = torch.sum(pooled * self.mean, (1, 2))
        mean = (pooled * gain[:, None, None]).permute(2, 0, 1, 3).flatten(1, 2)  # (B, K h, D)
        attention = mean @ self.tokens.mT
        scores = torch.ops.aten._softmax_backward_data(attention, self.attention, -1, attention.dtype)
        u = (scores.transpose(0, 1).flatten(1) @ self.tokens.flatten(0, 1)).view(self.probes, self.heads, -1)
        torch.add(gains, (u * self.qk).sum(1), out=into[f"{BLOCK}norm1.weight"])
        qk = (u * gain[:, None] * self.scale).unsqueeze(2)  # (K, h, 1, D)
        torch.mul(self.q.mT, qk, out=keys)
        q = (qk @ self.key.mT).flatten(1).unsqueeze(1)  # (K, 1, D)
        into["pooler.query_tokens"].view(self.probes, 1, -1).copy_(
            query.add_(self._linear_gradients(q, self.query, f"{BLOCK}xattn.q", into))
        )

    def _linear_gradients(self, gradient: Tensor, x: Tensor, name: str, into: Mapping[str, Tensor]) -> Tensor:
        """Gradient of the input of a linear map; its weight's and bias's are written."""
        torch.bmm(x.mT, gradient, out=into[f"{name}.weight"].mT)
        torch.sum(gradient, 1, out=into[f"{name}.bias"])
        return torch.bmm(gradient, self.parameters[f"{name}.weight"])

"""The attentive probe: one learned query attends to the tokens, then an MLP and a linear layer give the parameters.

Parameter names and mathematics are those of ``AttentiveClassifier`` of helenqu/physical-representation-learning (after
V-JEPA), so its checkpoints load. Two forms of the forward pass give the same numbers: `AttentiveProbe.forward` as
published, and `pooled_forward`, which is exact too but much cheaper on frozen tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import PhysrepError
from .mlp import PointwiseMLP
from .pooled_attention import PooledPass


def choose_heads(embed_dim: int, num_heads: int | None = None) -> int:
    """The number of attention heads: ``num_heads`` if given, else the largest divisor of ``embed_dim`` up to 8.

    Raises:
        PhysrepError: ``num_heads`` does not divide ``embed_dim``.
    """
    divisors = [heads for heads in range(1, embed_dim + 1) if embed_dim % heads == 0]
    if num_heads is None:
        return max(heads for heads in divisors if heads <= 8)
    if num_heads not in divisors:
        known = ", ".join(map(str, divisors))
        raise PhysrepError(f"num_heads={num_heads} does not divide the token width {embed_dim}; use one of {known}.")
    return num_heads


class _CrossAttention(nn.Module):
    """Multi-head attention of queries to tokens; there is no output projection."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.q = nn.Linear(dim, dim)
        self.kv = nn.Linear(dim, 2 * dim)

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        q = self.q(query).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        k, v = self.kv(tokens).unflatten(-1, (2, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


class _CrossAttentionBlock(nn.Module):
    """Attention with normalised tokens (the query is not normalised) and an MLP, each with a residual connection."""

    def __init__(self, dim: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.xattn = _CrossAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = PointwiseMLP(dim, int(dim * mlp_ratio))

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        query = query + self.xattn(query, self.norm1(tokens))
        return query + self.mlp(self.norm2(query))


class _Pooler(nn.Module):
    def __init__(self, dim: int, num_heads: int, mlp_ratio: float) -> None:
        super().__init__()
        self.query_tokens = nn.Parameter(torch.empty(1, 1, dim))
        self.cross_attention_block = _CrossAttentionBlock(dim, num_heads, mlp_ratio)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.cross_attention_block(self.query_tokens.expand(tokens.shape[0], -1, -1), tokens)


class AttentiveProbe(nn.Module):
    """Attentive pooling of tokens and regression of parameters.

    With the query s and h heads: ``y = s + concat_h softmax(q_h k_h^T / sqrt(d)) v_h``, where ``q = W_q s + b_q`` and
    ``[k; v] = W_kv LN(x) + b_kv``; ``z = y + MLP(LN(y))``; output ``W z + b``.

    Args:
        embed_dim: width D of the tokens.
        num_outputs: number P of parameters.
        num_heads: attention heads; by default the largest divisor of D up to 8.
        mlp_ratio: hidden width of the MLP over D.

    Raises:
        PhysrepError: ``num_heads`` does not divide ``embed_dim``.
    """

    def __init__(self, embed_dim: int, num_outputs: int, num_heads: int | None = None, mlp_ratio: float = 4.0) -> None:
        super().__init__()
        self.embed_dim, self.num_outputs, self.mlp_ratio = embed_dim, num_outputs, mlp_ratio
        self.num_heads = choose_heads(embed_dim, num_heads)
        self.pooler = _Pooler(embed_dim, self.num_heads, mlp_ratio)
        self.linear = nn.Linear(embed_dim, num_outputs)
        self.reset_parameters()

    def reset_parameters(self, generator: torch.Generator | None = None) -> None:
        """Truncated normal (0.02) weights and query, zero biases, and the MLP's output divided by sqrt(2)."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02, generator=generator)
                nn.init.zeros_(module.bias)
        nn.init.trunc_normal_(self.pooler.query_tokens, std=0.02, generator=generator)
        with torch.no_grad():
            self.pooler.cross_attention_block.mlp.fc2.weight.div_(math.sqrt(2.0))

    def forward(self, tokens: Tensor) -> Tensor:
        """Parameters with shape ``(B, P)`` from tokens with shape ``(B, N, D)``."""
        return self.linear(self.pooler(tokens).squeeze(1))

    def forward_normalised(self, normalised: Tensor) -> Tensor:
        """The same from `normalise_tokens` of the tokens, by the cheaper exact form."""
        stacked = {name: parameter[None] for name, parameter in self.named_parameters()}
        return pooled_forward(stacked, normalised, self.num_heads)[0]


def attention_weights(probe: AttentiveProbe, tokens: Tensor) -> Tensor:
    """Attention of the query to each token, ``softmax(q_h k_h^T / sqrt(d))``.

    Args:
        probe: an attentive probe.
        tokens: with shape ``(B, N, D)``.

    Returns:
        Weights with shape ``(B, heads, N)`` that add up to 1 over tokens.
    """
    block = probe.pooler.cross_attention_block
    attention = block.xattn
    heads, dim = attention.num_heads, tokens.shape[-1]
    q = attention.q(probe.pooler.query_tokens).view(heads, 1, -1)
    k = attention.kv(block.norm1(tokens))[..., :dim].unflatten(-1, (heads, -1)).transpose(1, 2)
    return (q @ k.transpose(2, 3) / math.sqrt(dim // heads)).softmax(-1).squeeze(2)


def normalise_tokens(tokens: Tensor) -> Tensor:
    """Layer norm without its weight and bias: depends on the frozen tokens only, so it is computed once."""
    return F.layer_norm(tokens, tokens.shape[-1:])


def pooled_forward(parameters: Mapping[str, Tensor], normalised: Tensor, num_heads: int) -> Tensor:
    """K attentive probes at once, exactly, without projecting tokens to keys and values: see `pooled_attention`.

    Args:
        parameters: parameters of `AttentiveProbe` by name, each with a leading axis of K probes.
        normalised: `normalise_tokens` of the tokens, with shape ``(B, N, D)``.
        num_heads: number of heads h.

    Returns:
        Outputs with shape ``(K, B, P)``.
    """
    return PooledPass(parameters, normalised, num_heads).output

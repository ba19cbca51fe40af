"""One training epoch of the attentive probe on frozen tokens: this package against the plain attentive probe.

"Plain" is the published form: a data loader over tokens, layer norm of every token, one linear map of all tokens to
keys and values, scaled dot-product attention of the query, `torch.optim.AdamW` with its defaults. "Ours" trains a grid
of (learning rate, weight decay) pairs at once; its time is given per probe, for a grid of one and for the default grid
of six. All work on the same tokens in the same process on one thread, epochs alternate, the clock is the process's CPU
time, and the ratio is the median over the repeats. The first line of each size is the error of the output and of the
gradients after the same loss.

    python benchmarks/probe_epoch.py [--windows 2000] [--batch 32] [--repeats 5]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from physrep.nn.attentive import AttentiveProbe, normalise_tokens
from physrep.probes.attentive_fit import AttentiveProbeFit, _NormalisedTokens, _Stack

WIDTH, HEADS, RATIO, OUTPUTS = 128, 8, 12.0, 2


class PlainBlock(nn.Module):
    """Norm of the tokens, cross-attention of the query without output projection, norm, MLP, residuals."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.xattn = nn.ModuleDict({"q": nn.Linear(WIDTH, WIDTH), "kv": nn.Linear(WIDTH, 2 * WIDTH)})
        hidden = int(RATIO * WIDTH)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(WIDTH, hidden), "fc2": nn.Linear(hidden, WIDTH)})

    def forward(self, query: Tensor, tokens: Tensor) -> Tensor:
        batch, count, _ = tokens.shape
        tokens = self.norm1(tokens)
        q = self.xattn["q"](query).reshape(batch, 1, HEADS, WIDTH // HEADS).permute(0, 2, 1, 3)
        k, v = self.xattn["kv"](tokens).reshape(batch, count, 2, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query = query + F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, 1, WIDTH)
        return query + self.mlp["fc2"](F.gelu(self.mlp["fc1"](self.norm2(query))))


class PlainProbe(nn.Module):
    """The published attentive probe, with its parameter names."""

    def __init__(self) -> None:
        super().__init__()
        self.pooler = nn.ModuleDict({"cross_attention_block": PlainBlock()})
        self.pooler.query_tokens = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.linear = nn.Linear(WIDTH, OUTPUTS)

    def forward(self, tokens: Tensor) -> Tensor:
        query = self.pooler.get_parameter("query_tokens").repeat(len(tokens), 1, 1)
        return self.linear(self.pooler["cross_attention_block"](query, tokens).squeeze(1))


def plain_epoch(tokens: Tensor, labels: Tensor, batch: int) -> Callable[[], None]:
    probe = PlainProbe()
    probe.load_state_dict(AttentiveProbe(WIDTH, OUTPUTS, HEADS, RATIO).state_dict())
    optimiser = torch.optim.AdamW(probe.parameters(), lr=1e-3, weight_decay=0.01)
    loader = DataLoader(TensorDataset(tokens, labels), batch, shuffle=True)

    def epoch() -> None:
        for part, target in loader:
            optimiser.zero_grad()
            F.mse_loss(probe(part), target).backward()
            optimiser.step()

    return epoch


def our_epoch(tokens: Tensor, labels: Tensor, batch: int, grid: list[tuple[float, float]]) -> Callable[[], None]:
    stack = _Stack(AttentiveProbe(WIDTH, OUTPUTS, HEADS, RATIO), grid, "cpu")
    source = _NormalisedTokens(tokens, 2**33, "cpu")

    def epoch() -> None:
        for rows in torch.randperm(len(tokens)).split(batch):
            stack.step(source[rows], labels[rows], 1.0)

    return epoch


def errors(tokens: Tensor, labels: Tensor) -> tuple[float, float]:
    """Largest difference of outputs and of gradients between the two forms, over their largest values."""
    ours, plain = AttentiveProbe(WIDTH, OUTPUTS, HEADS, RATIO), PlainProbe()
    for parameter in ours.parameters():
        nn.init.normal_(parameter, std=0.1)
    plain.load_state_dict(ours.state_dict())
    outputs = ours.forward_normalised(normalise_tokens(tokens)), plain(tokens)
    names = [name for name, _ in plain.named_parameters()]
    gradients = []
    for probe, output in zip((ours, plain), outputs, strict=True):
        parameters = [probe.get_parameter(name) for name in names]
        gradients.append(dict(zip(names, torch.autograd.grad(F.mse_loss(output, labels), parameters), strict=True)))
    scale = max(float(gradient.abs().max()) for gradient in gradients[1].values())
    difference = max(float((gradients[0][name] - gradients[1][name]).abs().max()) for name in names)
    return float((outputs[0] - outputs[1]).abs().max().detach() / outputs[1].abs().max().detach()), difference / scale


def main() -> None:
    """Print CPU seconds per epoch and probe, and the ratios."""
    parser = argparse.ArgumentParser(description="Attentive probe epoch: this package against the plain probe.")
    parser.add_argument("--windows", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    grid = AttentiveProbeFit().grid
    for count in (196, 16):
        tokens, labels = torch.randn(arguments.windows, count, WIDTH), torch.randn(arguments.windows, OUTPUTS)
        output_error, gradient_error = errors(tokens[:32], labels[:32])
        print(f"{count} tokens: output error {output_error:.1e}, gradient error {gradient_error:.1e}")
        variants = {
            "plain": (plain_epoch(tokens, labels, arguments.batch), 1),
            "ours, 1 probe": (our_epoch(tokens, labels, arguments.batch, grid[:1]), 1),
            f"ours, {len(grid)} probes": (our_epoch(tokens, labels, arguments.batch, grid), len(grid)),
        }
        seconds: dict[str, list[float]] = {name: [] for name in variants}
        for repeat in range(arguments.repeats + 1):
            for name, (epoch, probes) in variants.items():
                start = time.process_time()
                epoch()
                if repeat:
                    seconds[name].append((time.process_time() - start) / probes)
        for name, values in seconds.items():
            ratio = statistics.median(a / b for a, b in zip(seconds["plain"], values, strict=True))
            print(f"  {name:15} {statistics.median(values):.3f} s per epoch and probe, {ratio:.1f} times plain speed")


if __name__ == "__main__":
    main()

r"""An ensemble of conditional normalising flows, stopped on trajectories that were held out.

Every member minimises ``-E log q(φ | s)`` and keeps the weights of its best epoch on what is held out; the ensemble is
the equal mixture, which is wider where members disagree: a single flow of few trajectories is too sure of itself.

Source: Hermans et al., "A crisis in simulation-based inference? Beware, your posterior approximations can be
unfaithful", 2022, https://arxiv.org/abs/2110.06581; flows by `sbi` (Tejero-Cantero et al., 2020,
https://arxiv.org/abs/2007.09114).
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import math
import warnings
import weakref
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from ..errors import PhysrepError

DENSITIES = ("maf", "nsf", "mdn")
PATIENCE = 20
"""Epochs without a better loss there after which a member stops."""


@dataclass(eq=False)
class Flows:
    """The ensemble.

    Attributes:
        density: of `sbi`: ``maf`` (masked autoregressive flow), ``nsf`` (splines), or ``mdn`` (Gaussian mixture).
        hidden: width of the networks.
        members: flows.
        epochs: at most.
        decay: weight decay.
        seed: of weights and batches.
        sizes: parameters and summaries.
        weights: of every member.
        losses: of every member on what is held out.
    """

    density: str = "maf"
    hidden: int = 32
    members: int = 4
    epochs: int = 200
    decay: float = 1e-3
    seed: int = 0
    sizes: tuple[int, int] = (0, 0)
    weights: list[dict[str, Tensor]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def fit(self, phi: Tensor, summary: Tensor, phi_held: Tensor, summary_held: Tensor) -> Self:
        """From pairs ``(n, P)`` and ``(n, S)`` to learn from and of those held out."""
        self.sizes, self.weights, self.losses = (phi.shape[1], summary.shape[1]), [], []
        _BUILT.pop(self, None)
        for member in range(self.members):
            with torch.random.fork_rng([]):
                torch.manual_seed(1000 * self.seed + member)
                loss, best = _trained(
                    self._built(phi, summary), (phi, summary), (phi_held, summary_held), self.epochs, self.decay
                )
            self.weights.append(best)
            self.losses.append(loss)
        return self

    def sample(self, summary: Tensor, count: int, seed: int) -> Tensor:
        """Draws ``(count, n, P)`` of the mixture for summaries ``(n, S)``."""
        with torch.no_grad(), torch.random.fork_rng([]):
            torch.manual_seed(seed)
            each = math.ceil(count / self.members)
            parts = [flow.sample((each,), condition=summary.float()) for flow in self._flows()]
            draws = torch.cat(parts)
            return draws[torch.randperm(len(draws))[:count]]

    def log_prob(self, phi: Tensor, summary: Tensor) -> Tensor:
        """Log density of the mixture at ``(n, P)`` given ``(n, S)``, with shape ``(n,)``."""
        with torch.no_grad():
            parts = [flow.log_prob(phi.float()[None], condition=summary.float())[0] for flow in self._flows()]
            return torch.stack(parts).logsumexp(0) - math.log(self.members)

    def _flows(self) -> list[Any]:
        """Made of the weights, once per process; these alone are kept, as they are tensors and can be stored."""
        if self in _BUILT:
            return _BUILT[self]
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            parameters, width = self.sizes
            flows = [self._built(torch.randn(10, parameters), torch.randn(10, width)) for _ in self.weights]
        for flow, weights in zip(flows, self.weights, strict=True):
            flow.load_state_dict(weights)
        return _BUILT.setdefault(self, [flow.eval() for flow in flows])

    def _built(self, phi: Tensor, summary: Tensor) -> Any:
        with quiet():
            build = _factory()(
                model=self.density, hidden_features=self.hidden, num_transforms=4, num_components=4,
                z_score_theta="none", z_score_x="none",
            )  # fmt: skip
            return build(phi.float(), summary.float())


_BUILT: weakref.WeakKeyDictionary[Flows, list[Any]] = weakref.WeakKeyDictionary()


def _trained(
    flow: Any, train: tuple[Tensor, Tensor], held: tuple[Tensor, Tensor], epochs: int, decay: float
) -> tuple[float, dict[str, Tensor]]:
    """Loss on what is held out and weights of the best epoch."""
    optimiser = torch.optim.AdamW(flow.parameters(), lr=2e-3, weight_decay=decay, fused=True)
    size = max(16, min(256, len(train[0]) // 6))
    best, kept, since = math.inf, _weights(flow), 0
    for _ in range(epochs):
        flow.train()
        for rows in torch.randperm(len(train[0])).split(size):
            if len(rows) < 2:
                continue
            optimiser.zero_grad()
            loss = flow.loss(train[0][rows], condition=train[1][rows]).mean()
            if not torch.isfinite(loss):
                continue
            loss.backward()
            torch.nn.utils.clip_grad_norm_(flow.parameters(), 5.0)
            optimiser.step()
        flow.eval()
        with torch.no_grad():
            loss = float(flow.loss(held[0], condition=held[1]).mean())
        if loss < best - 1e-4:
            best, kept, since = loss, _weights(flow), 0
        else:
            since += 1
            if since >= PATIENCE:
                break
    if not math.isfinite(best):
        raise PhysrepError("posterior: the flow did not learn (its loss is not finite); give another density.")
    return best, kept


def _weights(flow: Any) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in flow.state_dict().items()}


def require_sbi() -> None:
    """Refuse before anything is computed.

    Raises:
        PhysrepError: `sbi` is not installed.
    """
    if importlib.util.find_spec("sbi") is None:
        raise PhysrepError("posteriors need sbi; install the extra: pip install 'physrep[posterior]'.")


def _factory() -> Any:
    require_sbi()
    with quiet():
        from sbi.neural_nets import posterior_nn  # pyright: ignore[reportMissingImports]
    return posterior_nn


@contextlib.contextmanager
def quiet() -> Any:
    """Without the notes of `sbi`, which speak of its own interface."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)

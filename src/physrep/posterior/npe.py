r"""Neural posterior estimation: a conditional normalising flow q(θ | s), fitted to pairs of parameters and summaries.

Minimises ``-E log q(θ | s)`` over the training trajectories, whose distribution of θ is the prior; the minimum over
all q is the posterior. Samples outside the prior's box are drawn again.

Source: Papamakarios and Murray, "Fast ε-free inference of simulation models with Bayesian conditional density
estimation", 2016, https://arxiv.org/abs/1605.06376; flows and training by `sbi`
(Tejero-Cantero et al., 2020, https://arxiv.org/abs/2007.09114).
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from typing import Any, Self

import torch
from torch import Tensor

from ..errors import PhysrepError

FEWEST = 40
"""Training trajectories without which no flow is fitted."""


class NeuralPosterior:
    """Posterior of z-scored parameters given the summary of a trajectory.

    Args:
        density: of `sbi`: ``maf`` (masked autoregressive flow), ``nsf`` (splines), or ``mdn`` (Gaussian mixture).
        hidden: width of its networks.
        epochs: at most; training stops after 20 epochs without a better validation loss.
        seed: of weights, batches and samples.

    Raises:
        PhysrepError: `sbi` is not installed.
    """

    def __init__(self, density: str = "maf", hidden: int = 32, epochs: int = 300, seed: int = 0) -> None:
        if density not in ("maf", "nsf", "mdn"):
            raise PhysrepError(f"posterior: the density {density!r} is unknown; give maf, nsf or mdn.")
        self.density, self.hidden, self.epochs, self.seed = density, hidden, epochs, seed

    def fit(self, theta: Tensor, summary: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Self:
        """Fit the flow.

        Args:
            theta: parameters with shape ``(n, P)``, z-scored.
            summary: with shape ``(n, S)``.
            low, high: box of the prior, ``(P,)``; default the range of ``theta``.

        Raises:
            PhysrepError: fewer than `FEWEST` trajectories.
        """
        if len(theta) < FEWEST:
            raise PhysrepError(f"posterior: {len(theta)} training trajectories are too few; give at least {FEWEST}.")
        utils, factory, trainer = _sbi()
        theta, summary = theta.float(), summary.float()
        self.low = theta.amin(0) if low is None else low.float()
        self.high = theta.amax(0) if high is None else high.float()
        margin = 1e-3 * (self.high - self.low)
        prior = utils.BoxUniform(self.low - margin, self.high + margin)
        with _quiet(), torch.random.fork_rng([]):
            torch.manual_seed(self.seed)
            build = factory(model=self.density, hidden_features=self.hidden, num_transforms=4)
            inference = trainer(prior=prior, density_estimator=build, tracker=_Nowhere(), show_progress_bars=False)
            inference.append_simulations(theta, summary)
            self.flow = inference.train(
                learning_rate=2e-3, training_batch_size=min(64, len(theta) // 4), max_num_epochs=self.epochs,
                stop_after_epochs=20, show_train_summary=False,
            )  # fmt: skip
        self.flow.eval()
        return self

    def sample(self, summary: Tensor, count: int) -> Tensor:
        """Draws ``(count, n, P)`` for summaries ``(n, S)``, inside the prior's box; seeded.

        Args:
            summary: what the density is conditioned on, one row per window or trajectory.
            count: draws for each row.
        """
        found: list[Tensor] = []
        with torch.no_grad(), torch.random.fork_rng([]):
            torch.manual_seed(self.seed + 1)
            for row in summary.float():
                parts, kept = [], 0
                for _ in range(50):
                    drawn = self.flow.sample((2 * count,), condition=row[None])[:, 0]
                    inside = drawn[((drawn >= self.low) & (drawn <= self.high)).all(1)]
                    parts.append(inside)
                    kept += len(inside)
                    if kept >= count:
                        break
                else:
                    # Far outside of what was learned nearly all mass leaves the box: its edge is the nearest answer.
                    parts.append(drawn.clamp(self.low, self.high))  # pyright: ignore[reportPossiblyUnbound]
                found.append(torch.cat(parts)[:count])
        return torch.stack(found, dim=1)

    def log_prob(self, theta: Tensor, summary: Tensor) -> Tensor:
        """Log density of z-scored parameters ``(n, P)`` given ``(n, S)``, with shape ``(n,)``; without the box.

        Args:
            theta: z-scored parameters.
            summary: what the density is conditioned on, row by row.
        """
        with torch.no_grad():
            return self.flow.log_prob(theta.float()[None], condition=summary.float())[0]


class _Nowhere:
    """Takes what `sbi` would log: its default writes a folder where the command was called."""

    log_dir = None

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def _sbi() -> tuple[Any, Any, Any]:
    try:
        with _quiet():
            from sbi import utils  # pyright: ignore[reportMissingImports]
            from sbi.inference import NPE  # pyright: ignore[reportMissingImports]
            from sbi.neural_nets import posterior_nn  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise PhysrepError("posteriors need sbi; install the extra: pip install 'physrep[posterior]'.") from error
    return utils, posterior_nn, NPE


@contextlib.contextmanager
def _quiet() -> Any:
    """Without the notes and the progress of `sbi`, which speak of its own interface."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)

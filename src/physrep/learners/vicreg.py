r"""VICReg: predictions near their targets, with neither side collapsing.

For rows :math:`x, y \in R^{N \times C}`, averaged over chunks of rows,

.. math::
    L = \lambda\, \overline{(x - y)^2} + \mu\, [v(x) + v(y)] + \nu\, [c(x) + c(y)],

    v(z) = \tfrac12\, \overline{\max(0, \gamma - \sqrt{\mathrm{Var}\, z + \epsilon})}, \qquad
    c(z) = \tfrac1C \sum_{i \ne j} \mathrm{Cov}(z)_{ij}^2,

with the biased variance (1/N) in v and the unbiased covariance (1/(N-1)) in c.

Source: "VICReg: Variance-Invariance-Covariance Regularization", Bardes, Ponce, LeCun, 2022,
https://arxiv.org/abs/2105.04906, in the form of helenqu/physical-representation-learning.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..errors import PhysrepError
from ..nn.precision import full_precision
from .gather import of_first_device, rows_of_all_devices


class VICReg(nn.Module):
    """The VICReg loss on pairs of rows; gradients flow into both sides.

    Args:
        sim: weight of the mean squared difference.
        std: weight of the hinge on the standard deviation of every channel.
        cov: weight of the squared off-diagonal covariances.
        chunks: the rows are shuffled and cut into this many chunks, whose losses are averaged (the paper: 5).
        gamma: standard deviation below which a channel is pushed apart.
        eps: variance added under the square root.
    """

    def __init__(
        self,
        sim: float = 2.0,
        std: float = 40.0,
        cov: float = 2.0,
        chunks: int = 1,
        gamma: float = 1.0,
        eps: float = 1e-4,
    ) -> None:
        super().__init__()
        self.sim, self.std, self.cov = sim, std, cov
        self.chunks, self.gamma, self.eps = chunks, gamma, eps

    def forward(self, x: Tensor, y: Tensor, permutation: Tensor | None = None) -> dict[str, Tensor]:
        """The loss and its terms.

        Args:
            x: predictions with shape ``(..., C)``; the leading axes are rows.
            y: targets with the same shape.
            permutation: order of the rows before they are cut into chunks, with shape ``(N,)``; random if None.

        Returns:
            Scalars ``loss``, ``sim``, ``std``, ``cov`` (unweighted; the last two are sums of both sides) and
            ``std_x``, ``std_y``, ``cov_x``, ``cov_y``. Computed in float32 at least, also under autocast.

        Raises:
            PhysrepError: a chunk has fewer than two rows.
        """
        with full_precision(x.device):
            x, y = (z.flatten(0, -2).to(torch.promote_types(z.dtype, torch.float32)) for z in (x, y))
            if self.training:
                # Variances and covariances are those of the whole batch, however many devices it is spread over.
                x, y = rows_of_all_devices(x), rows_of_all_devices(y)
            if self.chunks > 1:
                order = torch.randperm(len(x), device=x.device) if permutation is None else permutation
                order = of_first_device(order) if self.training else order
                x, y = x[order], y[order]
            pairs = list(zip(x.chunk(self.chunks), y.chunk(self.chunks), strict=True))
            if len(pairs[-1][0]) < 2:
                raise PhysrepError(
                    f"VICReg: {len(x)} rows in {self.chunks} chunks leave fewer than two rows in the last; "
                    "use a larger batch, more tokens, or fewer chunks."
                )
            parts = [self._terms(a, b) for a, b in pairs]
            terms = {name: torch.stack([part[name] for part in parts]).mean() for name in parts[0]}
            terms["std"] = terms["std_x"] + terms["std_y"]
            terms["cov"] = terms["cov_x"] + terms["cov_y"]
            loss = self.sim * terms["sim"] + self.std * terms["std"] + self.cov * terms["cov"]
        return {"loss": loss, **terms}

    def _terms(self, x: Tensor, y: Tensor) -> dict[str, Tensor]:
        std_x, cov_x = self._spread(x)
        std_y, cov_y = self._spread(y)
        return {"sim": (x - y).square().mean(), "std_x": std_x, "std_y": std_y, "cov_x": cov_x, "cov_y": cov_y}

    def _spread(self, z: Tensor) -> tuple[Tensor, Tensor]:
        rows, channels = z.shape
        z = z - z.mean(0)
        products = z.T @ z
        # The diagonal holds the variances; subtracting its squares from the full sum would lose digits.
        variance = products.diagonal() / rows
        hinge = torch.relu(self.gamma - (variance + self.eps).sqrt()).mean() / 2
        off_diagonal = products - torch.diag_embed(products.diagonal())
        return hinge, (off_diagonal / (rows - 1)).square().sum() / channels

"""Work arrays of the Rayleigh-Bénard solver."""

from __future__ import annotations

from torch import Tensor


def work_arrays(batch: int, nx: int, n: int, modes: int, like: Tensor) -> dict[str, Tensor]:
    """Zeroed arrays for a batch: coefficients ``(B, 2, K, n or 2n)`` and fields ``(B, nx, n or 2n)``."""
    single, double = ("psi", "stream", "shear"), ("others", "plain_modes", "slanted_modes", "rates", "rates_before")
    arrays = {name: like.new_zeros(batch, 2, modes, n) for name in single}
    arrays |= {name: like.new_zeros(batch, 2, modes, 2 * n) for name in double}
    arrays |= {name: like.new_zeros(batch, nx, 2 * n) for name in ("other_points", "plain", "slanted")}
    return arrays | {"w": like.new_zeros(batch, nx, n)}


class Buffers:
    """Work arrays for the first rows of a batch, with the views that every stage writes (making views costs time).

    Arrays that a batched product reads or writes are contiguous; where two fields share an array they lie side by side.
    """

    def __init__(self, arrays: dict[str, Tensor], rows: int, n: int) -> None:
        part = {name: array[:rows] for name, array in arrays.items()}
        flat = {name: value.flatten(0, -2) for name, value in part.items()}
        modes = {name: value.flatten(1, 2) for name, value in part.items() if value.dim() == 4}
        # Coefficients along y, then values along y: ψ, and (u_x, θ).
        self.psi, self.psi_rows = part["psi"], flat["psi"]
        self.stream_rows, self.u_rows, self.theta_rows = flat["stream"], flat["others"][:, :n], flat["others"][:, n:]
        self.mean_stream, self.mean_u = part["stream"][:, 0, 0], part["others"][:, 0, 0, :n]
        self.stream_modes, self.other_modes = modes["stream"], modes["others"]
        # Values along x: u_y, and (u_x, θ); products (u_x u_y, u_y θ), and those that are to be derived along x,
        # (u_x θ, u_x² - u_y²).
        self.w, self.other_points = part["w"], part["other_points"]
        self.u, self.theta = self.other_points[..., :n], self.other_points[..., n:]
        self.pair, self.w_twice = self.other_points.unflatten(-1, (2, n)), self.w.unsqueeze(2)
        self.plain, self.slanted = part["plain"], part["slanted"]
        self.plain_pair = self.plain.unflatten(-1, (2, n))
        self.u_theta, self.difference = self.slanted[..., :n], self.slanted[..., n:]
        # Coefficients along x of the products.
        self.plain_modes, self.slanted_modes = modes["plain_modes"], modes["slanted_modes"]
        self.mean_flux, self.mean_gap = part["plain_modes"][:, 0, 0, :n], part["slanted_modes"][:, 0, 0, n:]
        self.uw_rows, self.w_theta_rows = flat["plain_modes"][:, :n], flat["plain_modes"][:, n:]
        self.u_theta_rows, self.gap_rows = flat["slanted_modes"][:, :n], flat["slanted_modes"][:, n:]
        self.shear, self.shear_rows = part["shear"], flat["shear"]
        self.rates = [part["rates"], part["rates_before"]]
        self.omega_rows = [rate.flatten(0, -2)[:, :n] for rate in self.rates]
        self.heat_rows = [rate.flatten(0, -2)[:, n:] for rate in self.rates]

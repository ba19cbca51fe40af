"""Integration of du/dt = f(u) over frame intervals, by Runge-Kutta methods of torchdiffeq.

Fixed steps keep the samples of a batch apart: an adaptive solver takes one step size for all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..errors import PhysrepError

FIXED_STEP = {"euler": 1, "midpoint": 2, "heun2": 2, "heun3": 3, "rk4": 4}
"""Methods with fixed steps, and how often each evaluates f per step (also its order)."""


def integrate(
    f: Callable[[Tensor], Tensor], u: Tensor, intervals: int = 1, method: str = "rk4", steps: int = 1
) -> Tensor:
    """u at t = 1, 2, ..., ``intervals`` with shape ``(intervals, *u.shape)``.

    Args:
        f: right-hand side, in units per interval.
        u: state at t = 0.
        intervals: number of unit intervals.
        method: key of `FIXED_STEP`; ``rk4`` is the 3/8 rule.
        steps: equal steps per interval.

    Raises:
        PhysrepError: unknown method or no steps.
    """
    if method not in FIXED_STEP or steps < 1:
        raise PhysrepError(
            f"integration: method {method!r} with {steps} steps; give one of {', '.join(FIXED_STEP)} and steps >= 1."
        )
    from torchdiffeq import odeint

    # The state keeps its precision where autocast computes f with fewer digits.
    def rate(t: Tensor, state: Tensor) -> Tensor:
        return f(state).to(state.dtype)

    times = torch.linspace(0, intervals, intervals * steps + 1, dtype=u.dtype, device=u.device)
    return odeint(rate, u, times, method=method)[steps::steps]  # pyright: ignore[reportIndexIssue, reportReturnType]


def integrate_adaptive(
    f: Callable[[Tensor, Tensor], Tensor],
    theta: Tensor,
    u: Tensor,
    min_step: float,
    rtol: float,
    atol: float,
    method: str = "bosh3",
    adjoint: bool = False,
) -> Tensor:
    """u at t = 1 for du/dt = f(θ, u), with step sizes for the root mean square error over the whole batch.

    Args:
        f: right-hand side of parameters and state.
        theta: parameters.
        u: state at t = 0.
        min_step: smallest step; a step of this size is taken whatever its error.
        rtol, atol: relative and absolute tolerance.
        method: an adaptive method of torchdiffeq.
        adjoint: gradients by the adjoint equation instead of back-propagation through the steps.
    """
    from torchdiffeq import odeint, odeint_adjoint

    def rate(t: Tensor, state: Tensor) -> Tensor:
        return f(theta, state)

    times = torch.linspace(0, 1, 2, device=u.device)
    settings = {"rtol": rtol, "atol": atol, "method": method, "options": {"min_step": min_step}}
    if adjoint and torch.is_grad_enabled():
        ends = odeint_adjoint(rate, u, times, adjoint_params=(theta,), **settings)
    else:
        ends = odeint(rate, u, times, **settings)
    return ends[-1]  # pyright: ignore[reportIndexIssue, reportReturnType]

"""Which terms of an equation are found: operator discovery on all trajectories, pysindy's weak form on each of them.

Both get the same fields, with white noise in units of each channel's standard deviation, and the same library: every
channel and every product of two with the derivatives up to second order; for Gray-Scott also products of three. Scored
are the names of the terms alone. Terms that incompressibility makes equal count as one. Only channels whose equation
lies in the library are scored: no pressure, and of active matter only the concentration.

pysindy (STLSQ on scaled columns) is given the threshold with the best mean F1 *by the truth*, per system and noise:
what it could reach if its threshold were known. Operator discovery chooses everything itself.

    python benchmarks/operator_terms.py                 # needs the extra pysindy
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence

import numpy as np
import torch
from operator_parameters import fitted, simulated
from torch import Tensor

from physrep.learners.operator_discovery.library import Term, library, orders
from physrep.learners.operator_discovery.printing import varying_parameters
from physrep.systems import SYSTEMS, System

THRESHOLDS = (0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
DOMAINS, SHARE = 200, 6
"""Subdomains of pysindy per trajectory; each reaches over a third of every axis (2 / SHARE)."""

DIFFUSION = ["d_xx({0})", "d_yy({0})"]
ADVECTION = ["d_x({0} velocity_x)", "d_y({0} velocity_y)"]


def of(channel: str, *patterns: str) -> set[str]:
    """Names of terms, factors of products in the library's order."""
    return {pattern.format(channel) for pattern in patterns}


FLOW = {
    "velocity_x": of("velocity_x", *DIFFUSION, "d_x(pressure)", "d_x(velocity_x {0})", "d_y({0} velocity_y)"),
    "velocity_y": of("velocity_y", *DIFFUSION, "d_y(pressure)", "d_x(velocity_x {0})", "d_y(velocity_y {0})"),
}
TRUE = {
    "heat": {"temperature": of("temperature", *DIFFUSION)},
    "damped_wave": {
        "displacement": {"displacement_rate"},
        "displacement_rate": of("displacement", *DIFFUSION) | {"displacement_rate"},
    },
    "advection_diffusion": {"concentration": of("concentration", *DIFFUSION, "d_x({0})", "d_y({0})")},
    "gray_scott": {"A": of("A", *DIFFUSION, "1", "A", "A B B"), "B": of("B", *DIFFUSION, "B", "A B B")},
    "shear_flow": {"tracer": of("tracer", *DIFFUSION, *ADVECTION), **FLOW},
    "rayleigh_benard": {
        "buoyancy": of("buoyancy", *DIFFUSION, *ADVECTION),
        "velocity_x": FLOW["velocity_x"],
        "velocity_y": FLOW["velocity_y"] | {"buoyancy"},
    },
    "active_matter": {"concentration": of("concentration", *DIFFUSION, *ADVECTION)},
}
INTERVAL = {"gray_scott": 1.0, "rayleigh_benard": 0.25}
EQUAL = {
    "d_xy(velocity_x)": "d_yy(velocity_y)",
    "d_xy(velocity_y)": "d_xx(velocity_x)",
    "d_y(velocity_y)": "d_x(velocity_x)",
}
"""By incompressibility, up to the sign."""


def scored(found: dict[str, set[str]], true: dict[str, set[str]]) -> tuple[float, float]:
    """Precision and recall over the channels of an equation; nothing found has precision 0."""
    right = named = wanted = 0
    for channel, terms in true.items():
        own = {EQUAL.get(name, name) for name in found.get(channel, set())}
        right, named, wanted = right + len(own & terms), named + len(own), wanted + len(terms)
    return right / named if named else 0.0, right / wanted


def sindy_terms(
    fields: Tensor, channels: Sequence[str], terms: Sequence[Term], axes: Sequence[np.ndarray], dt: float
) -> list[dict[str, set[str]]]:
    """Terms of one trajectory ``(C, T, H, W)`` by pysindy's weak form, for every one of `THRESHOLDS`."""
    import pysindy  # pyright: ignore[reportMissingImports]

    factors = sorted({tuple(c for c, _ in term.factors) for term in terms}, key=len)
    place = {channel: i for i, channel in enumerate(channels)}
    # Products are given as variables of their own: so their derivatives lie on the test functions, as ours do.
    planes = [
        torch.stack([fields[place[c]] for c in product]).prod(0) if product else torch.ones_like(fields[0])
        for product in factors
    ]
    u = torch.stack(planes, -1).permute(1, 2, 0, 3).numpy()
    times = dt * np.arange(u.shape[2])
    grid = np.stack(np.meshgrid(*axes, times, indexing="ij"), -1)
    spans = [float(values[-1] - values[0]) for values in (*axes, times)]
    np.random.seed(0)
    weak = pysindy.WeakPDELibrary(
        pysindy.PolynomialLibrary(degree=1, include_bias=False),
        derivative_order=2, spatiotemporal_grid=grid,
        include_interaction=False, K=DOMAINS, H_xt=[span / SHARE for span in spans], p=6,
    )  # fmt: skip
    weak.fit([u])
    x = np.asarray(weak.transform([u])[0])
    y = np.asarray(weak.convert_u_dot_integral(u))[:, [factors.index((c,)) for c in channels]]
    # Columns come as products first, then every derivative of all of them.
    count = len(factors)
    order = {
        (product, o): sorted(orders(2)).index(o) * count + i for i, product in enumerate(factors) for o in orders(2)
    }
    x = x[:, [order[tuple(c for c, _ in term.factors), term.order] for term in terms]]
    found = []
    for threshold in THRESHOLDS:
        scale = np.sqrt((x**2).mean(0)), np.sqrt((y**2).mean(0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = pysindy.STLSQ(threshold=threshold, alpha=1e-9).fit(x / scale[0], y / scale[1])
        found.append(
            {
                channel: {term.name() for term, weight in zip(terms, row, strict=True) if weight}
                for channel, row in zip(channels, model.coef_, strict=True)
            }
        )
    return found


def compared(system: System, noises: Sequence[float], trajectories: int, alone: int, points: int, draw: int) -> None:
    dt = INTERVAL.get(system.name, system.save_dt)
    fields, channels = simulated(system, trajectories, 24, points, dt)
    coordinates = list(system.grid((points, points)).values())
    own = tuple(None if around else x for x, around in zip(coordinates, system.periodic, strict=True))
    dx = tuple(length / points for length in system.lengths)
    grades = (1, 2, 3) if system.name == "gray_scott" else (1, 2)
    true = TRUE[system.name]
    spread = fields.std((0, 2, 3, 4), keepdim=True)
    for noise in noises:
        shaken = fields + noise * spread * torch.randn(
            fields.shape, generator=torch.Generator().manual_seed(draw), dtype=torch.float64
        )
        learner, _ = fitted(shaken, channels, dt, dx, system.periodic, own, grades)
        equations = {e["channel"]: {t["name"] for t in e["terms"]} for e in learner.record["equation"]}
        ours = scored(equations, true)
        held = learner.record["channels"]
        terms = library(held, False, grades)
        chosen = shaken[:, [channels.index(c) for c in held]]
        axes = [x.numpy() for x in coordinates]
        each = [sindy_terms(chosen[i], held, terms, axes, dt) for i in range(alone)]
        theirs = []
        for number in range(len(THRESHOLDS) if alone else 0):
            pairs = np.array([scored(one[number], true) for one in each])
            f1 = (2 * pairs.prod(1) / np.maximum(pairs.sum(1), 1e-9)).mean()
            theirs.append((f1, *pairs.mean(0), THRESHOLDS[number]))
        beside = " | | |"
        if alone:
            _, precision, recall, threshold = max(theirs)
            beside = f" {precision:.2f} | {recall:.2f} | {threshold:g} |"
        print(
            f"| `{system.name}` | {noise:.0%} | {ours[0]:.2f} | {ours[1]:.2f} |{beside} "
            f"{learner.v.shape[0]} | {varying_parameters(learner.record)} of {len(system.parameters)} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("systems", nargs="*", default=list(TRUE))
    parser.add_argument("--noises", type=float, nargs="+", default=[0.0, 0.01, 0.05, 0.2])
    parser.add_argument("--trajectories", type=int, default=48)
    parser.add_argument("--alone", type=int, default=4, help="trajectories for pysindy, one at a time; 0: none")
    parser.add_argument("--points", type=int, default=32)
    parser.add_argument("--draw", type=int, default=0, help="seed of the noise")
    options = parser.parse_args()
    print("| system | noise | precision | recall | pysindy's precision | recall | threshold | P | parameters |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for name in options.systems:
        compared(SYSTEMS[name], options.noises, options.trajectories, options.alone, options.points, options.draw)


if __name__ == "__main__":
    main()

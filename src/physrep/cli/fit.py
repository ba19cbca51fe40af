"""`physrep fit`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..known_names import check_name
from .arguments import (
    PLAN,
    add_data_root,
    add_device,
    chosen_device,
    dataclass_from,
    dataset_path,
    options_of,
    parser,
    split_overrides,
)


def run(arguments: Sequence[str]) -> int:
    """Make an instrument of a labelled data set."""
    p = parser(
        "fit",
        "Make an instrument of a labelled data set: check it, fit readouts to the floors, pretrain in what is left of "
        "the budget, choose on valid. Then `physrep predict OUT FILES` asks it. Called again, it goes on. Errors "
        "and intervals are of a parameter or of its logarithm: --scales.NAME linear or log; default as the system "
        "says, else log where positive values span a factor of 8.",
    )
    p.add_argument("data", type=str, help="data set folder, holding data/{train,valid,test}")
    p.add_argument("--budget", type=str, default="10m", help="wall time in all, e.g. 90s, 10m or 2h; 0: floors only")
    p.add_argument("--out", type=str, required=True, help="folder of the fit")
    p.add_argument(
        "--runs",
        type=str,
        nargs="+",
        default=[],
        help="run directories (or hf:OWNER/NAME) of pretrained encoders to try too",
    )
    p.add_argument("--learners", type=str, nargs="*", default=["jepa"], help="what to pretrain within the budget")
    p.add_argument("--floors", type=str, nargs="+", help="floors to try; default all that read any field")
    p.add_argument("--probes", type=str, nargs="+", default=["ridge", "kernel_ridge"])
    p.add_argument("--num-frames", type=int | None, default=None, help="frames per window; default 8, or all there are")
    p.add_argument("--stride", type=int | None, default=None, help="distance of windows; default 4 per trajectory")
    p.add_argument("--fields", type=str, nargs="+", help="fields or components to read; default all")
    p.add_argument("--parameters", type=str, nargs="+", help="parameters to estimate; default all that vary")
    p.add_argument("--resolution", type=int, nargs="+", help="resample to this grid")
    p.add_argument("--labels", type=str | None, default=None, help="CSV file with further labels per trajectory")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--plan", action="store_true", help=PLAN)
    add_device(p)
    add_data_root(p, "DATA is then the NAME of a data set")
    plain, overrides = split_overrides(arguments)
    values = p.parse_args(plain)
    scales = options_of(overrides, ["scales"], "fit").get("scales")
    for kind, names in (("learner", [*values.learners, *(values.floors or [])]), ("probe", values.probes)):
        for name in names:
            check_name(kind, name)
    path = dataset_path(values.data, values.data_root)
    from ..data.config import DataConfig
    from ..fitting import FLOORS, fit_instrument
    from ..fitting.budget import seconds_of
    from ..sharing import local_run

    budget = seconds_of(values.budget)
    checked(path)
    data = dataclass_from(DataConfig, {**values.as_dict(), "path": path})
    floors, device = values.floors or FLOORS, chosen_device(values)
    if values.plan:
        from ..fitting.fit import fit_config
        from ..fitting.plan import plan_fit

        shape = values.num_frames, values.stride
        config = fit_config(data, floors, *shape, values.probes, scales, values.seed)
        print(plan_fit(config, values.out, values.learners, budget, device, values.runs))
        return 0
    fit = fit_instrument(
        data,
        values.out,
        floors=floors,
        runs=[local_run(run) for run in values.runs],
        learners=values.learners,
        budget=budget,
        num_frames=values.num_frames,
        stride=values.stride,
        probes=values.probes,
        scales=scales,
        seed=values.seed,
        device=device,
        say=lambda text: print(text, flush=True),
    )
    print(f"page: {fit.folder / 'report.html'}")
    print(f"ask new recordings with: physrep predict {fit.folder} FILES")
    return 0


def checked(path: str) -> None:
    """Refuse data that `physrep check` refuses, in one sentence.

    Raises:
        PhysrepError: the first fault.
    """
    from ..data import check
    from ..errors import PhysrepError

    faults: list[Any] = [fault for fault in check(path, quick=True) if fault.severity == "error"]
    if faults:
        first = faults[0]
        more = f" ({len(faults) - 1} further faults: physrep check {path})" if len(faults) > 1 else ""
        raise PhysrepError(f"{first.file}: {first.item}: {first.problem}; {first.remedy}{more}.")

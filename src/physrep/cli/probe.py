"""`physrep probe`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..known_names import check_name
from .arguments import options_of, parser, split_overrides
from .embed import add_arguments, check_places, embed_all, token_folder


def run(arguments: Sequence[str]) -> int:
    """Embed if need be, fit a probe, print its scores."""
    p = parser(
        "probe",
        "Estimate physical parameters from a frozen encoder: everything is fitted on train, chosen on valid and scored "
        "once on test. Options of the probe are dotted: --options.epochs 50.",
    )
    add_arguments(p)
    p.add_argument("--probe", type=str, default="ridge", help="name; see `physrep list probes`")
    p.add_argument(
        "--out", type=str | None, default=None, help="folder of tokens and scores; default RUN/tokens and RUN"
    )
    p.add_argument("--seed", type=int, default=0)
    plain, overrides = split_overrides(arguments)
    values = p.parse_args(plain)
    options = options_of(overrides, ["options"], "probe").get("options") or {}

    check_name("probe", values.probe)
    check_places(values)
    from ..files import write_record
    from ..probes import PROBES, evaluate, save_predictions
    from ..probes.partial import for_labels
    from ..readout import Basis, Readouts
    from ..registry import build
    from ..tokens import LabelScaler

    unfitted = build(values.probe, PROBES, "probe", options, {"seed": values.seed})
    stores, splits, scales, learner = embed_all(values, p, with_labels=True)
    train = splits["train"]
    scaler = LabelScaler.fit(train.parameters, train.parameter_names, scales)
    probe = for_labels(unfitted, stores, scaler)
    rows, predictions = evaluate(probe, stores, scaler, name=values.probe)
    # Beside tokens in a folder of the user's lies what is not ours to write.
    folder = token_folder(values) if values.out else token_folder(values).parent
    save_predictions(folder / f"predictions_{values.probe}.npz", predictions)
    if Path(values.encoder).is_dir():
        basis = Basis(learner, stores, splits, scaler, values.stride, folder / "spectra")
        readouts = Readouts(basis, values.encoder)
        if readouts.write(values.probe, probe, predictions):
            print(f"ask new recordings with: physrep predict {values.encoder} FILES")
    write_record(folder / f"probe_{values.probe}.json", {"options": options, "rows": rows.to_dict("records")})
    print(f"{'level':<11} {'parameter':<14} {'metric':<6} {'test':>7}  95% interval over trajectories")
    for row in rows.query("split == 'test'").to_dict("records"):
        print(
            f"{row['level']:<11} {row['parameter']:<14} {row['metric']:<6} {row['value']:>7.3f}  "
            f"[{row['ci_low']:.3f}, {row['ci_high']:.3f}]"
        )
    print(f"scores and predictions are in {folder}")
    return 0

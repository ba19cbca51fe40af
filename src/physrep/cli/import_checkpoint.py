"""`physrep import-checkpoint`."""

from __future__ import annotations

from collections.abc import Sequence

from ..data.config import DataConfig
from ..known_names import FAMILIES, check_family
from .arguments import add_data_root, dataset_path, options_of, parser, require_places, split_overrides


def run(arguments: Sequence[str]) -> int:
    """Turn published weights into a run directory."""
    p = parser(
        "import-checkpoint",
        "Turn the published weights in FILE into a run directory that `physrep embed` and `probe` accept. Files "
        "are read as tensors only, never unpickled. Further settings are dotted: --options.num_heads 6.",
    )
    p.add_argument("file", type=str, help="checkpoint (.pth, .pt, .tar, .bin, .safetensors)")
    p.add_argument(
        "--as",
        type=str,
        dest="family",
        required=True,
        help=", ".join(FAMILIES),
    )
    p.add_argument("--out", type=str, required=True, help="run directory")
    p.add_argument("--dataset", type=str, default="", help="what it was trained on, e.g. shear_flow: order of channels")
    p.add_argument("--channels", type=str, nargs="+", help="names of the channels in the order of the weights, instead")
    p.add_argument(
        "--num-frames",
        type=int | None,
        default=None,
        help="frames per window, where the shapes do not tell; default 16, or 6 for walrus",
    )
    p.add_argument("--predictor", type=str | None, default=None, help="second file of a JEPA")
    p.add_argument("--data", type=str | None, default=None, help="data set to remember for `physrep probe`")
    p.add_argument("--fields", type=str, nargs="+", help="fields or components of --data to read; default all")
    p.add_argument("--resolution", type=int, nargs="+", help="resample --data to this grid")
    p.add_argument("--crop", type=str | None, default=None, help="'paper' for the paper's crops")
    add_data_root(p, "--data is then the NAME of a data set")
    plain, overrides = split_overrides(arguments)
    values = p.parse_args(plain)
    options = options_of(overrides, ["options"], "import-checkpoint").get("options") or {}
    if values.data is None:
        p.refuse(("fields", "resolution", "crop", "data_root"), "it belongs to --data, which is not given")
    check_family(values.family)
    require_places([values.file])
    from ..checkpoints.run import import_checkpoint

    data = None
    if values.data is not None:
        path = dataset_path(values.data, values.data_root)
        data = DataConfig(path=path, fields=values.fields, resolution=values.resolution, crop=values.crop)
    imported = import_checkpoint(
        values.file,
        values.family,
        values.out,
        dataset=values.dataset,
        channels=values.channels,
        num_frames=values.num_frames,
        data=data,
        predictor=values.predictor,
        options=options,
    )
    from ..files import read_json

    order = ", ".join(read_json(f"{values.out}/summary.json")["channels"])
    print(f"{values.out}: {imported.learner} of {imported.num_frames} frames; channels in this order: {order}")
    for what, names in (("left out", imported.unused), ("not in the file, initial values", imported.fresh)):
        if names:
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            print(f"{what}: {', '.join(names[:3])}{more}")
    for note in imported.notes:
        print(note)
    print(f"next: physrep probe {values.out}" + ("" if values.data else " --data DATA"))
    return 0

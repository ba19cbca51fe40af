"""Where a data set lies below a folder or address that holds several, in the layouts in which The Well is spread."""

from __future__ import annotations

from pathlib import Path

from ..errors import PhysrepError
from .remote import RemotePath, as_path


def locate_dataset(root: str | Path | RemotePath, name: str) -> Path | RemotePath:
    """The folder of a data set, the one that holds ``data/train``.

    Looked for are ``ROOT/NAME/data`` (Hugging Face), ``ROOT/datasets/NAME/data`` (``the-well-download``), and
    ``ROOT/data``, if the files in it say that they are of this data set.

    Args:
        root: folder or address, e.g. ``hf://datasets/polymathic-ai``.
        name: name of the data set, e.g. ``shear_flow``.

    Raises:
        PhysrepError: there is no such folder, or it does not hold the data set; the sentence names what was looked for.
    """
    root = as_path(root)
    if isinstance(root, Path) and not root.is_dir():
        raise PhysrepError(f"{root}: no such folder; give the one that holds {name}/data or datasets/{name}/data.")
    for place in (root / name, root / "datasets" / name):
        if (place / "data").is_dir():
            return place
    if (root / "data").is_dir():
        found = _stored_name(root)
        if found == name:
            return root
        raise PhysrepError(
            f"{root}: holds the data set {found!r}, but {name!r} is wanted; give the folder of that one."
        )
    raise PhysrepError(
        f"{root}: does not hold the data set {name!r}; looked for {name}/data, datasets/{name}/data and data in it. "
        "docs/real_data.md says how to download it."
    )


def _stored_name(root: Path | RemotePath) -> str | None:
    from .names import SPLITS
    from .scan import hdf5_files
    from .wellfile import WellFile

    for split in SPLITS:
        folder = root / "data" / split
        files = hdf5_files(folder) if folder.is_dir() else []
        if files:
            with WellFile(files[0], glance=True) as file:
                return file.dataset_name
    return None

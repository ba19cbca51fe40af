"""Which data a run reads, and how: the part of a configuration that training and evaluation share."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..errors import PhysrepError
from ..files import content_hash, read_json
from ..ranges import SEEDS, check_ranges, setting
from ..streams import say_line
from .names import SPLITS

if TYPE_CHECKING:
    from . import ClipDataset
    from .cache_plan import SplitRequest
    from .channel_stats import ChannelStats


@dataclass
class DataConfig:
    """A data set in The Well's format and the view on it.

    Attributes:
        path: folder with ``data/{train,valid,test}/*.hdf5``, or its address (``hf://``, ``https://``).
        root: folder or address that holds data sets by name, in The Well's layout; on the command line ``--data-root``.
        dataset: name of the data set below ``root``; in a benchmark default its system.
        fields: fields or components to read; default all.
        parameters: parameters to estimate; default all that vary in the training split.
        labels: CSV file with further parameters or classes per trajectory, see `physrep.data.label_table`.
        resolution: resample to this grid; default as stored.
        resample: ``bilinear`` (as in the paper) or ``spectral`` (periodic axes).
        observation: what an instrument makes of the fields, a list of steps (docs/observation.md), or
            ``{train: [...], test: [...]}``; a split that is not named there sees what train does.
        observation_seed: of its random numbers.
        crop: ``paper``, the paper's part of the domain, or ``{axis: [first, last]}`` in grid points; default
            everything.
        frame_step: distance between the frames of a window, in stored frames.
        max_trajectories: use a seeded subset of this many training trajectories.
        cache_dtype: float32, or float16 for half the disk and about 3 digits.
        missing: refuse values that stand for nothing (NaN, declared fill values, sentinels), or replace them by the
            ``mean`` of the valid points of their frame.
        allow_shared_starts: let trajectories of two splits start from the same frame if their parameters differ, as in
            some real data; they are counted on the page.
        cache_dir: where memory-mapped copies live; default in the data folder, of remote data in ``PHYSREP_CACHE``.
            Where nothing is resampled, observed or replaced, windows of uncompressed local files are read in
            place without a copy; naming a folder here makes one all the same.
    """

    path: str = ""
    root: str = ""
    dataset: str = ""
    fields: list[str] | None = setting(None, filled=True, unique=True)
    parameters: list[str] | None = setting(None, unique=True)
    labels: str | None = None
    resolution: list[int] | None = setting(None, filled=True, at_least=1, at_most=10**6)
    resample: Literal["bilinear", "spectral"] = setting("bilinear", choices=("bilinear", "spectral"))
    crop: str | dict[str, list[int]] | None = None
    observation: list[Any] | dict[str, list[Any]] | None = None
    observation_seed: int = setting(0, at_least=0, at_most=SEEDS)
    frame_step: int = setting(1, at_least=1, at_most=10**6)
    max_trajectories: int | None = setting(None, at_least=1, at_most=10**9)
    cache_dtype: Literal["float32", "float16"] = setting("float32", choices=("float32", "float16"))
    cache_dir: str | None = None
    missing: Literal["refuse", "mean"] = "refuse"
    allow_shared_starts: bool = False

    def located(self, default: str = "") -> DataConfig:
        """The same with ``path`` found below ``root``; unchanged if ``path`` is given, or nothing of the three is.

        Args:
            default: name of the data set where ``dataset`` does not say it.

        Raises:
            PhysrepError: ``root`` does not hold the data set, or ``dataset`` is named without a ``root``.
        """
        if self.path or not (self.root or self.dataset):
            return replace(self)
        if not self.root:
            raise PhysrepError(
                f"the data set {self.dataset!r} is wanted, but it is not said where it lies; give --data-root DIR (or "
                f"data.root) with {self.dataset}/data or datasets/{self.dataset}/data in DIR, see docs/real_data.md."
            )
        from .locate import locate_dataset

        name = self.dataset or default
        return replace(self, path=str(locate_dataset(self.root, name)), dataset=name)

    @property
    def as_stored(self) -> bool:
        """Whether windows hold what the files hold, so that no copy of files as physrep writes them is made."""
        return not (self.resolution or self.observation or self.cache_dir or self.missing != "refuse") and (
            self.cache_dtype == "float32"
        )

    def request(self) -> SplitRequest:
        """What of every split is read.

        Raises:
            PhysrepError: a setting is out of its range.
        """
        from .cache_plan import SplitRequest

        check_ranges(self, "data")
        crop: Any = self.crop
        crop = {k: (v[0], v[1]) for k, v in crop.items()} if isinstance(crop, Mapping) else crop
        return SplitRequest(
            self.fields, self.resolution, self.resample, crop, self.cache_dtype, self.cache_dir, self.missing
        )

    def check_out(self, out: Path) -> None:
        """Refuse to write among the files of the data set.

        Raises:
            PhysrepError: ``out`` is the folder of the data, or lies among their splits.
        """
        if not self.path or "://" in str(self.path):
            return
        own, place = Path(self.path).resolve(), Path(out).resolve()
        if place == own or place.is_relative_to(own / "data"):
            raise PhysrepError(f"{out}: is a folder of the data set; choose another --out, e.g. runs/{own.name}.")

    def open(self, split: str, stats: ChannelStats | None = None) -> ClipDataset:
        """Open a split; its cache is built first if there is none. Valid and test need ``stats`` of train.

        Args:
            split: ``train``, ``valid`` or ``test``.
            stats: statistics to normalise with; the training split has its own, other splits need ``train.stats``.
        """
        return self._train(stats)[0] if split == "train" else self._open(split, stats, self.parameters)

    def _train(self, stats: ChannelStats | None = None) -> tuple[ClipDataset, list[str] | None]:
        """The training split, and the parameters to take from the others: None for their own."""
        train = self._open("train", stats, self.parameters)
        names = list(train.parameter_names) if self.parameters is not None else varying(train)
        if names == list(train.parameter_names):
            return train, self.parameters
        return self._open("train", stats, names), names

    def _open(self, split: str, stats: ChannelStats | None, parameters: list[str] | None) -> ClipDataset:
        from . import open_clips

        return open_clips(
            self.located().path,
            split,
            parameters=parameters,
            max_trajectories=self.max_trajectories if split == "train" else None,
            stats=stats,
            labels=self.labels,
            observation=self.observation_of(split),
            observation_seed=self.observation_seed,
            **vars(self.request()),
        )

    def open_splits(self, present: bool = False) -> dict[str, ClipDataset]:
        """Train, valid and test, all with the statistics of train.

        Args:
            present: take only those that the data have; train must be there.

        Raises:
            PhysrepError: the caches that are missing do not fit on the disk together, and what `open` raises.
        """
        from . import check_cache_space, has_split

        root = self.located().path
        _know_system(root)
        names = [split for split in SPLITS if not present or split == "train" or has_split(root, split)]
        observations = {split: self.observation_of(split) for split in names}
        check_cache_space(root, names, self.request(), observations, self.observation_seed)
        train, labels = self._train()
        found = {split: train if split == "train" else self._open(split, train.stats, labels) for split in names}
        for split, dataset in found.items():
            for what in ("shape", "dx", "periodic", "dt"):
                own, other = getattr(dataset, what), getattr(train, what)
                if own != other and observations[split] != observations["train"]:
                    raise PhysrepError(
                        f"data.observation: {split} has {what} {own}, but train has {other}; splits may differ in "
                        "noise, units or blur, not in grid, boundaries or time step."
                    )
        return found

    def observation_of(self, split: str) -> list[Any]:
        """Steps of the observation of a split.

        Raises:
            PhysrepError: steps are given for something that is no split, or none for train.
        """
        if not isinstance(self.observation, Mapping):
            return list(self.observation or [])
        unknown = next((name for name in self.observation if name not in SPLITS), None)
        if unknown is not None or "train" not in self.observation:
            raise PhysrepError(
                f"data.observation: {unknown or list(self.observation)} is not a list of steps per split; name train, "
                "and valid or test where they differ."
            )
        return list(self.observation.get(split, self.observation["train"]))

    def as_dict(self) -> dict[str, Any]:
        """Plain data of a run: where the data lie as one path or address, without ``root``.

        Labels are named with a hash of their content, so that a run is not continued with others.
        """
        values = {**asdict(self), "path": str(self.located().path)}
        if self.labels:
            content = Path(self.labels).read_bytes() if Path(self.labels).is_file() else b""
            values["labels_sha256"] = hashlib.sha256(content).hexdigest()[:16]
        if self.missing == "refuse":
            values["missing"] = ""
        optional = ("dataset", "labels", "observation", "observation_seed", "missing", "allow_shared_starts")
        return {name: value for name, value in values.items() if name != "root" and (value or name not in optional)}


_SAID: set[tuple[str, str]] = set()


def varying(train: ClipDataset) -> list[str]:
    """Parameters with more than one value in the training split; what is left out is said once.

    Of a single trajectory nothing can be said: all of its parameters are taken.
    """
    if train.n_trajectories < 2:
        return list(train.parameter_names)
    names = []
    for name, column in zip(train.parameter_names, train.parameters.T, strict=True):
        known = column[~column.isnan()]
        # Unknown for all is not one value.
        if len(known) == 0 or not bool((known == known[0]).all()):
            names.append(name)
        elif (train.dataset_name, name) not in _SAID:
            _SAID.add((train.dataset_name, name))
            say_line(
                f"{train.dataset_name}: {name} is {float(known[0]):g} in all training trajectories"
                f"{' that have it' if len(known) < len(column) else ''}, so it is not taken as a parameter."
            )
    return names


def data_content(train: ClipDataset) -> str:
    """What identifies the training split wherever it lies: trajectories, view, labels and statistics to four digits."""
    moments = [[f"{value:.3e}" for value in part.tolist()] for part in (train.mean, train.std)]
    labels = hashlib.sha256(train.parameters.double().numpy().tobytes()).hexdigest()
    view = [train.channels, train.shape, train.dx, train.periodic, train.dt, train.parameter_names]
    return content_hash([train.dataset_name, view, train.lengths.tolist(), moments, labels])


def open_splits(path: str | Path, **settings: Any) -> dict[str, ClipDataset]:
    """Train, valid and test of a data set, all with the statistics of train.

    Args:
        path: folder with ``data/{train,valid,test}/*.hdf5``, or its address.
        settings: further settings of `DataConfig`, e.g. ``fields=["tracer"]``.

    Raises:
        PhysrepError: see `DataConfig.open_splits`.
    """
    return DataConfig(path=str(path), **settings).open_splits()


def _know_system(folder: str) -> None:
    """Import the system of simulated data if it is one by import path, so that its symbols and scales are known."""
    from ..systems import SYSTEMS

    mark = Path(folder) / "simulation.json"
    name = read_json(mark)["system"] if "://" not in folder and mark.is_file() else ""
    if ":" in name:
        try:
            SYSTEMS[name]
        except PhysrepError as error:
            say_line(f"{mark}: {error} Scales of parameters follow their values instead.")


def parameter_scales(dataset: ClipDataset, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """``"log"`` or ``"linear"`` per parameter: as given, as the system says, or else by the spread of the values.

    Without other knowledge a parameter is logarithmic if all its values are positive and span a factor of 8 or more.
    """
    from ..systems import SYSTEMS

    scales: dict[str, str] = {}
    if dataset.dataset_name in SYSTEMS:
        scales = {p.name: p.scale for p in SYSTEMS[dataset.dataset_name].parameters}
    for name, column in zip(dataset.parameter_names, dataset.parameters.T, strict=True):
        column = column[~column.isnan()]
        spread = len(column) > 0 and bool((column > 0).all()) and float(column.max() / column.min()) >= 8
        scales.setdefault(name, "log" if spread else "linear")
    return {**{name: scales[name] for name in dataset.parameter_names}, **(given or {})}

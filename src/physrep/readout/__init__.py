"""The instrument: a fitted probe, its units, its uncertainty and what it was fitted on, asked about new recordings."""

from .answer import Answer
from .array_axes import ArrayAxes
from .background import Background
from .basis import Basis
from .conformal import Conformal
from .fitting import Readouts
from .instrument import Instrument, load_readout
from .neighbours import Neighbour, Neighbours
from .novelty import Novelty
from .readout import Readout
from .recordings import Recording, recordings
from .remedy import readout_names
from .storage import chosen_run, read_readout, save_readout

__all__ = [
    "Answer",
    "ArrayAxes",
    "Background",
    "Basis",
    "Conformal",
    "Instrument",
    "Neighbour",
    "Neighbours",
    "Novelty",
    "Readout",
    "Readouts",
    "Recording",
    "chosen_run",
    "load_readout",
    "read_readout",
    "readout_names",
    "recordings",
    "save_readout",
]

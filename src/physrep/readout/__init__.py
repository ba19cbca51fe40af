"""The instrument: a fitted probe, its units, its uncertainty and what it was fitted on, asked about new recordings."""

from .answer import Answer
from .background import Background
from .conformal import Conformal
from .fitting import Readouts
from .instrument import Instrument, load_readout
from .neighbours import Neighbour, Neighbours
from .novelty import Novelty
from .readout import Readout
from .recordings import Recording, recordings
from .storage import chosen_run, read_readout, readout_names, save_readout

__all__ = [
    "Answer",
    "Background",
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

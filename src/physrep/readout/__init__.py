"""The instrument: a fitted probe, its units, its uncertainty and what it was fitted on, asked about new recordings."""

from .conformal import Conformal
from .instrument import Instrument, load_readout
from .novelty import Novelty
from .readout import Answer, Readout, novelties, read_readout, readout_names
from .recordings import Recording, recordings

__all__ = [
    "Answer",
    "Conformal",
    "Instrument",
    "Novelty",
    "Readout",
    "Recording",
    "load_readout",
    "novelties",
    "read_readout",
    "readout_names",
    "recordings",
]

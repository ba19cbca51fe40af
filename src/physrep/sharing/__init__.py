"""Runs and data sets that travel: what of them is shared, their cards, and where they go to and come from."""

from .bundle import MANIFEST, make_bundle
from .places import local_run, own_copy, pull, push

__all__ = ["MANIFEST", "local_run", "make_bundle", "own_copy", "pull", "push"]

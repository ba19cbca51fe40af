"""Runs that travel: what of a run directory is shared, its card, and the places that it goes to and comes from."""

from .bundle import MANIFEST, make_bundle
from .places import local_run, own_copy, pull, push

__all__ = ["MANIFEST", "local_run", "make_bundle", "own_copy", "pull", "push"]
